"""A workflow of the AWS Data Science SDK, which flowdsl checks, runs and builds as it is."""

from stepfunctions.steps import Catch, Chain, Fail, Pass, Task
from stepfunctions.steps.states import Graph

score = Task(
    "Score",
    resource="arn:aws:lambda:eu-west-1:123456789012:function:score",
    result_path="$.score",
    catch=Catch(error_equals=["States.ALL"], next_step=Fail("Refused")),
)
orders = Graph(Chain([score, Pass("Accepted", result={"accepted": True})]), comment="Scores an order")
