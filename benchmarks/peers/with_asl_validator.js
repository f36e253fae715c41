// Ask asl-validator (npm) about definitions: a JSON list of texts on stdin, the list of what it says on stdout.
const validate = require("asl-validator");

const refuses = (text) => {
  try {
    return !validate(JSON.parse(text)).isValid;
  } catch {
    return true;
  }
};
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map(refuses)));
