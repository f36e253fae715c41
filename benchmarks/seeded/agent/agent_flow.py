"""An agent for a shop's customers: a model chooses a tool until it has an answer. JSONata."""

import attrs

from flowdsl import (
    DISCARD,
    Choice,
    Defaults,
    Function,
    Map,
    Pass,
    StateMachine,
    Succeed,
    Task,
    aws,
    catch,
    chain,
    cond,
    context,
    error_output,
    fail,
    fn,
    is_present,
    item,
    lambda_transient,
    one_of,
    repeat,
    result,
    retry,
    state_input,
    var,
    when,
)


@attrs.define
class Message:
    role: str
    content: str


@attrs.define
class Question:
    session: str
    text: str
    history: list[Message]
    locale: str = "en"
    order: str | None = None


slow = retry("ModelSlow", interval=4, max_attempts=3, backoff_rate=2)

start = Pass(
    "Start",
    assign={
        "turn": 0,
        "spent": 0,
        "messages": fn.append(state_input.history, {"role": "user", "content": state_input.text}),
        "language": fn.uppercase(state_input.locale),
    },
)
think = Task(
    "Think",
    Function("agent-think", "handlers/think", timeout=60),
    payload={
        "messages": var.messages,
        "tools": ["search", "refund", "order"],
        "budget": 10_000 - var.spent,
        "language": var.language,
    },
    assign={"spent": var.spent + result.tokens},
    into=var.thought,
    timeout=80,
    retry=[lambda_transient, slow],
)
search = Task(
    "SearchDocs",
    Function("agent-search", "handlers/search_docs"),
    payload={"query": think.out.query, "limit": 5, "locale": state_input.locale},
    output={"texts": result.hits.text, "best": result.hits[0].score},
    into=var.docs,
)
order = Task(
    "ReadOrder",
    aws.dynamodb.get_item(
        TableName="orders",
        Key={"id": {"S": think.out.order}},
        ProjectionExpression="#status, cents",
        ExpressionAttributeNames={"#status": "status"},
    ),
    output={"status": result.Item.status.S, "cents": fn.number(result.Item.cents.N)},
    into=var.order,
    catch=catch(
        "DynamoDB.ResourceNotFoundException",
        Pass("NoTable", assign={"order": {"status": "?", "cents": 0}}),
        into=DISCARD,
    ),
)
refund = Task(
    "Refund",
    Function("agent-refund", "handlers/refund", timeout=20),
    payload={"order": think.out.order, "cents": think.out.cents, "reason": think.out.reason},
    into=var.refund,
    timeout=30,
    retry=lambda_transient,
    catch=catch("NotRefundable", Pass("CannotRefund"), assign={"refusal": error_output.Cause}, into=DISCARD),
)
remember = Pass(
    "Remember",
    assign={
        "messages": fn.append(
            var.messages,
            {"role": "tool", "content": fn.string({"tool": think.out.tool, "turn": var.turn})},
        ),
        "turn": var.turn + 1,
    },
)
tools = chain(
    think,
    Choice(
        "WhichTool",
        when(think.out.tool == "search", search, remember),
        when(think.out.tool == "order", order, remember),
        when((think.out.tool == "refund") & (think.out.cents <= 5000), refund, remember),
        when(think.out.tool == "answer", Pass("HasAnswer")),
        otherwise=fail("TooMuch", error="TooMuch", cause="A person must refund that much"),
    ),
)
summaries = Map(
    "Summarise",
    items=think.out.sources,
    item_selector={"source": item, "session": state_input.session},
    processor=Task(
        "SummariseOne",
        aws.bedrock.invoke_model(
            ModelId="anthropic.claude-3-haiku-20240307-v1:0",
            Body={
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 200,
                "messages": [{"role": "user", "content": f"Summarise {state_input.source.title}"}],
            },
        ),
        output={"title": state_input.source.title, "text": result.Body.content[0].text},
        retry=retry("Bedrock.ThrottlingException", interval=5, max_attempts=5),
    ),
    max_concurrency=2,
    into=var.summaries,
)
answer = Pass(
    "Answer",
    output={
        "session": state_input.session,
        "text": think.out.answer,
        "confident": think.out.confidence > 0.8,
        "sources": summaries.out.title,
        "turns": var.turn,
        "tone": cond(think.out.confidence > 0.5, "plain", "careful"),
        "length": fn.length(think.out.answer),
    },
)
save = Task(
    "SaveAnswer",
    aws.dynamodb.put_item(
        TableName="sessions",
        Item={
            "session": {"S": state_input.session},
            "execution": {"S": context.Execution.Id},
            "text": {"S": state_input.text},
            "turns": {"N": fn.string(state_input.turns)},
            "confident": {"BOOL": state_input.confident},
            "sources": {"S": fn.join(state_input.sources, "; ")},
        },
    ),
    into=DISCARD,
)

flow = chain(
    Choice(
        "HasQuestion",
        when(fn.length(state_input.text) == 0, fail("NoQuestion", error="NoQuestion", cause="The question is empty")),
        when(is_present(state_input.order) & one_of(state_input.locale, "en", "de"), Pass("KnowsOrder")),
    ),
    start,
    repeat(tools, until=think.out.done, at_most=8, otherwise=fail("GaveUp", error="GaveUp"), counter=var.rounds),
    summaries,
    answer,
    save,
    Succeed("Answered", output={"text": state_input.text, "session": state_input.session}),
)
machine = StateMachine(
    "agent",
    flow,
    query_language="JSONata",
    input=Question,
    timeout=900,
    defaults=Defaults(retry=[lambda_transient, retry("States.TaskFailed", interval=2, max_attempts=2)]),
)
