"""Read paths, payload templates and expressions in shapes, and report what does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ...base.diagnostics import AslPath
from ...base.patterns import regex
from ...base.record import Record
from ...base.words import did_you_mean
from ...expr.path.tree import Name, Path, Root
from ..findings import Findings
from ..rules.paths import as_path, is_intrinsic
from .items import context_of
from .kinds import FIELDS, fraction_in, misfit, misfit_sometimes
from .parts import first_keys, keys_of
from .shapes import (
    ANY,
    BOOLEAN,
    MAX_DEPTH,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    Missing,
    ObjectShape,
    Shape,
    Source,
    look,
    merged,
    of_value,
)

if TYPE_CHECKING:
    from ...expr.intrinsic_parser import IntrinsicCall
    from .expressions import Value

_RESULTS: Final[dict[str, Shape]] = {
    "string": STRING,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "array": ArrayShape(ANY),
    "object": ObjectShape({}, False),
}
"""The kind of an intrinsic function's result → its shape; any other kind has an unknown shape."""
MOST_FIELDS: Final = 12
"""How many fields of an object a message lists."""
_PLAIN = regex(r"\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
"""An expression that is only a path."""


class Reader(Record, frozen=False, kw_only=True):
    """Reads values of known shapes. `findings` is None until all routes are followed: then it reports."""

    is_declared: bool
    """True if the author declares input and results: what contradicts them is an error, wherever it is read."""
    may_be_skipped: bool = False
    """True while something is read that need not be evaluated: a part of an expression, a later rule of a Choice."""
    findings: Findings | None = None
    variables: Shape = ANY
    """The variables, as an object."""
    item: Shape = ANY
    """The item of the Map around a state."""

    def template(self, value: Any, document: Shape, path: AslPath, source: Source, depth: int = 0) -> Shape:
        """Return the shape of the value of a payload template."""
        if depth > MAX_DEPTH:
            return ANY
        if isinstance(value, dict):
            fields: dict[str, Member] = {}
            for key, each in value.items():
                if key.endswith(".$"):
                    fields[key[:-2]] = Member(self.read(document, each, (*path, key)))
                else:
                    fields[key] = Member(self.template(each, document, (*path, key), source, depth + 1))
            return ObjectShape(fields, True, source)
        if isinstance(value, list):
            items = tuple(
                self.template(each, document, (*path, index), source, depth + 1) for index, each in enumerate(value)
            )
            return ArrayShape(merged(items), items)
        return of_value(value, source)

    def read(self, document: Shape, text: Any, path: AslPath) -> Shape:
        """Return the shape of the value of a path or an intrinsic function."""
        if not isinstance(text, str):
            return ANY
        if is_intrinsic(text):
            from ..rules.intrinsics import call_of  # takes 15 ms, and most definitions have no intrinsic function

            call = call_of(text)
            return self.intrinsic(call, document, path, 0) if call is not None else ANY
        parsed = as_path(text)
        return self.find(document, parsed, path) if parsed is not None else ANY

    def intrinsic(self, call: IntrinsicCall, document: Shape, path: AslPath, depth: int) -> Shape:
        """Return the shape of the result of an intrinsic function; report arguments of the wrong kind."""
        from ...expr.intrinsic_parser import IntrinsicCall, PathArgument
        from ...expr.intrinsics import FUNCTIONS

        function = FUNCTIONS.get(call.name)
        wanted = (function.arguments if function else ()) or ()
        if depth > MAX_DEPTH:
            return ANY
        for index, argument in enumerate(call.arguments):
            shape: Shape = ANY
            if isinstance(argument, PathArgument):
                shape = self.find(document, argument.path, path)
            elif isinstance(argument, IntrinsicCall):
                shape = self.intrinsic(argument, document, path, depth + 1)
            wrong = misfit(shape, wanted[index]) if index < len(wanted) else None
            sometimes = misfit_sometimes(shape, wanted[index]) if index < len(wanted) else None
            if wrong or sometimes:
                names = [*(argument.path.steps if isinstance(argument, PathArgument) else ())]
                last = names[-1] if names else None
                needle = last.names[0] if isinstance(last, Name) else None
                message = f"argument {index + 1} of {call.name} must be {wrong or sometimes}"
                self.report_kind(message, path, None, needle, wrong is not None)
        return _RESULTS.get(function.result if function else "any", ANY)

    def find(self, document: Shape, wanted: Path, path: AslPath) -> Shape:
        """Return the shape at a parsed path; report a step that does not exist."""
        if wanted.root is Root.VARIABLE and wanted.variable is not None:
            document = self.variable(wanted.variable)
        elif wanted.root is Root.CONTEXT:
            document = context_of(self.item)
        elif wanted.root is not Root.INPUT:
            return ANY
        keys = keys_of(wanted)
        complete = keys is not None
        if keys is None:
            keys = first_keys(wanted)
        shape, missing = look(document, keys)
        before, self.may_be_skipped = self.may_be_skipped, self.may_be_skipped or not complete
        self.report(missing, wanted.text, path)
        self.may_be_skipped = before
        return shape if complete else ANY

    def report(self, missing: Missing | None, text: str, path: AslPath) -> None:
        if self.findings is None or missing is None:
            return
        if missing.source.kind == "unknown":
            message = f"{text}: {missing.source} has replaced the document, and may not have {missing.name!r}"
            hint = self.findings.either("keep the document: add a ResultPath", 'keep the document: into="…"')
            self.findings.warning("FD808", message, path, hint=hint, needle=_needle(missing))
            return
        caught = missing.source.kind == "caught"
        keep = self.findings.either(
            "keep the document: add a ResultPath to the Catch", 'keep the document: catch(..., into="error")'
        )
        if missing.sometimes:
            lacking = self.route_without(text, missing.name)
            way = f" (on the way from {lacking[0]!r} to {lacking[1]!r})" if lacking else ""
            message = f"{text}: {missing.name!r} is missing on some routes: {missing.source} does not have it{way}"
            test = self.findings.either("IsPresent", "is_present") + " first"
            set_it = lacking[2] if lacking else "set it on every route"
            hint = keep if caught else f"{set_it}, or test it with {test}"
            code = "FD804" if caught else "FD802"
            self.findings.warning(code, message, path, hint=hint, needle=_needle(missing))
            return
        if missing.length is not None:
            message = f"{text}: {missing.name} is outside the list, which has {missing.length} items"
            within = f"use an index from 0 to {missing.length - 1}" if missing.length else None
            self.report_never(message, path, within, _needle(missing))
            return
        if missing.fields is None:
            message = f"{text}: cannot read {missing.name!r}: the value before it is not an object"
            self.report_never(message, path, None, missing.name)
            return
        # A service may add to the description of a job, and a newer one to any answer.
        is_sure = missing.source.kind != "job" and (self.is_declared or missing.source.kind != "answer")
        near = None if caught and missing.name == "error" else did_you_mean(missing.name, missing.fields)
        if caught and near is None:
            near = keep
        message = f"{text}: {missing.name!r} does not exist on any route{_known(missing)}"
        self.report_never(message, path, near, missing.name, is_sure)

    def route_without(self, text: str, name: str) -> tuple[str, str, str] | None:  # noqa: ARG002
        """Return the two states between which a value is missing that a text reads, and what to do about it."""
        return None

    def report_never(
        self, message: str, path: AslPath, hint: str | None, needle: str | float | None = None, is_sure: bool = True
    ) -> None:
        """Report what no route produces: an error if whoever reads it fails."""
        if self.findings is not None:
            report = self.findings.failure if self.is_failure(is_sure) else self.findings.warning
            report("FD801", message, path, hint=hint, needle=needle)

    def report_kind(
        self,
        message: str,
        path: AslPath,
        hint: str | None = None,
        needle: str | float | None = None,
        is_sure: bool = True,
    ) -> None:
        """Report a value of the wrong kind: an error if it is so on all routes, and the state fails with it."""
        if self.findings is not None:
            report = self.findings.failure if self.is_failure(is_sure) else self.findings.warning
            report("FD805", message, path, hint=hint, needle=needle)

    def is_failure(self, is_sure: bool) -> bool:
        """True if the state fails whenever it is reached, or if the author declares otherwise."""
        return is_sure and (self.is_declared or not self.may_be_skipped)

    def check_kind(self, key: str, shape: Shape, path: AslPath) -> None:
        """Report a value that the field cannot have."""
        wanted = FIELDS.get(key)
        if wanted is None:
            return
        if wrong := misfit(shape, wanted):
            self.report_kind(f"{key} must be {wrong}", path)
        elif wrong := misfit_sometimes(shape, wanted) or fraction_in(key, shape):
            self.report_kind(f"{key} must be {wrong}", path, is_sure=False)

    def expression(
        self, value: Any, known: Mapping[str, Shape], path: AslPath, source: Source, depth: int = 0
    ) -> Shape:
        """Return the shape of a value with JSONata in it. `known` are the fields of `$states`."""
        if depth > MAX_DEPTH:
            return ANY
        if isinstance(value, dict):
            fields = {
                key: Member(self.expression(each, known, (*path, key), source, depth + 1))
                for key, each in value.items()
            }
            return ObjectShape(fields, True, source)
        if isinstance(value, list):
            items = tuple(
                self.expression(each, known, (*path, index), source, depth + 1) for index, each in enumerate(value)
            )
            return ArrayShape(merged(items), items)
        if not isinstance(value, str) or not value.startswith("{%"):
            return of_value(value)
        text = value[2:-2].strip()
        if _PLAIN.fullmatch(text):
            root, *names = text[1:].split(".")
            return self.follow(root, tuple(names), known, path)
        return self.evaluate(text, known, path, source)

    def evaluate(self, text: str, known: Mapping[str, Shape], path: AslPath, source: Source) -> Shape:
        """Return the shape of the value of an expression, and report names in it that do not exist."""
        from ..rules.jsonata import read_text  # definitions without JSONata do without
        from .expressions import Complaint, Evaluator, Value, as_shape, asked_parts, is_asked

        tree = getattr(read_text(text), "tree", None)
        if tree is None:
            return ANY
        asked = asked_parts(tree, text)

        def report(missing: Missing, part: str) -> None:
            if not is_asked(part, asked):
                self.report(missing, part, path)
            elif not missing.sometimes and path[-1] != "Condition" and self.findings is not None:
                message = f"{part} never has a value here{_known(missing)}"
                self.findings.warning("FD803", message, path, needle=missing.name)

        def complain(each: Complaint) -> None:
            if each.code == "FD803" and self.findings is not None:
                self.findings.warning("FD803", each.message, path, hint=each.hint, needle=each.needle)
            elif each.is_sure or not asked:
                self.report_kind(each.message, path, each.hint, each.needle, each.is_sure)

        evaluator = Evaluator(text, source, lambda name: Value(self.variable(name), sure=False), report, complain)
        before, self.may_be_skipped = self.may_be_skipped, True
        value = evaluator.value(tree, {"states": _states(known)})
        self.may_be_skipped = before
        return as_shape(value)

    def follow(self, root: str, names: tuple[str, ...], known: Mapping[str, Shape], path: AslPath) -> Shape:
        """Return the shape of `$root.name.name`; `root` is `states` or a variable."""
        from .expressions import Value, as_shape, take_step

        value = _states(known) if root == "states" else Value(self.variable(root))
        for name in names:
            value, missing = take_step(value, name)
            if missing is not None:
                self.report(missing, "$" + ".".join((root, *names)), path)
                if not missing.sometimes:
                    return ANY
        return as_shape(value)

    def variable(self, name: str) -> Shape:
        field = self.variables.fields.get(name) if isinstance(self.variables, ObjectShape) else None
        return field.shape if field is not None else ANY


def _known(missing: Missing) -> str:
    """What there is instead, to go on with a message."""
    if missing.fields is None:
        return ""
    more = ", …" * (len(missing.fields) > MOST_FIELDS)
    fields = ", ".join(missing.fields[:MOST_FIELDS]) + more or "no fields"
    return f"; {missing.source or 'the value'} has {fields}"


def _needle(missing: Missing) -> str | float:
    """The name or the index that the author wrote."""
    return int(missing.name[1:-1]) if missing.length is not None else missing.name


def asked_for(condition: Any) -> Iterator[tuple[str, ...]]:
    """Yield the paths below `$states.input` whose presence a condition tests."""
    if isinstance(condition, str) and condition.startswith("{%"):
        from ..rules.jsonata import read_text
        from .expressions import asked_paths

        tree = getattr(read_text(condition[2:-2].strip()), "tree", None)
        yield from (names[1:] for names in asked_paths(tree) if names[:1] == ("input",)) if tree else ()


def _states(known: Mapping[str, Shape]) -> Value:
    """Return the value of `$states`; what is not known of it may exist."""
    from .expressions import Value

    return Value(ObjectShape({name: Member(shape) for name, shape in known.items()}, False))
