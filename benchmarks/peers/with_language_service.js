// Ask amazon-states-language-service (npm) about definitions: a JSON list of texts on stdin, the list of what it says on stdout.
const service = require("amazon-states-language-service");
const { TextDocument } = require("vscode-languageserver-textdocument");

const language = service.getLanguageService({});
const ERROR = 1; // DiagnosticSeverity of the Language Server Protocol

const refuses = async (text) => {
  const document = TextDocument.create("file:///definition.asl.json", "asl", 1, text);
  const found = await language.doValidation(document, language.parseJSONDocument(document));
  return found.some((each) => each.severity === ERROR);
};
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
(async () => {
  const said = [];
  for (const text of texts) said.push(await refuses(text));
  console.log(JSON.stringify(said));
})();
