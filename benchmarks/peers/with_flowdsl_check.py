"""Ask flowdsl's checker about definitions: a JSON list of texts on stdin, the list of what it says on stdout."""

import json
import sys

from flowdsl.check import check_text

texts = json.load(sys.stdin)
print(json.dumps([any(diagnostic.severity == "error" for diagnostic in check_text(text)) for text in texts]))
