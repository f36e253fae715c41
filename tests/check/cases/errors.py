from flowdsl import (
    Choice,
    Function,
    Parallel,
    StateMachine,
    Succeed,
    Task,
    aws,
    catch,
    chain,
    context,
    guard,
    retry,
    state_input,
    task_token,
    when,
)

charge = Function("charge", "handlers/charge")
elsewhere = Function("elsewhere")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:topic"


machine = StateMachine(
    "errors",
    chain(
        Task(
            "Charge",
            charge,
            payload={"amount": state_input.amount, "execution": context.Execution.ID},  # FD310
            retry=[
                retry("CardDeclined", "ValueError", "InvalidOperation", "Sandbox.Timedout", max_attempts=0),
                retry("CardDeclind", max_attempts=0),  # FD506
                retry("Unused", max_attempts=0),  # FD506
                retry("Sandbox.TimedOut", max_attempts=0),  # FD506
                retry("SandboxT.imedout", "Lambda.EC2ThrottledException", max_attempts=0),  # FD506
                retry("States.Timeout", max_attempts=0),  # FD506
                retry("States.BranchFailed", max_attempts=0),  # FD506
                retry("DynamoDB.ConditionalCheckFailedException", max_attempts=0),  # FD506
                retry("States.TaskFailed"),
                retry("Lambda.Unknown"),  # FD503
            ],
        ),
        Task(
            "Anything",
            elsewhere,
            payload={"token": task_token, "item": context.Map.Item.Value},  # FD311
            timeout=60,
            retry=retry("Anything", "States.Timeout"),
        ),
        Task(
            "Tell",
            aws.sns.publish(TopicArn=TOPIC, Message="m"),
            retry=[retry("SNS.NotFoundException"), retry("SQS.QueueDoesNotExistException")],  # FD506
        ),
        # One of the steps raises it.
        guard(
            chain(Task("Again", charge), Task("Publish", aws.sns.publish(TopicArn=TOPIC, Message="m"))),
            catch(["CardDeclined", "SNS.NotFoundException"], Succeed("Known")),
            catch("CardDeclind", Succeed("Unknown")),  # FD506
        ),
        Parallel(
            "Both",
            chain(Choice("Which", when(state_input.a == 1, Succeed("One")))),  # FD801
            catch=[catch("States.BranchFailed", Succeed("Failed")), catch("States.NoChoiceMatched", Succeed("Other"))],
        ),
    ),
)
