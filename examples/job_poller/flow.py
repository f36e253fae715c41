"""Start a Batch job, ask for its status every minute, and load its result with Glue."""

from flowdsl import StateMachine, Task, aws, chain, poll, result, retry, state_input, var

export = aws.batch.submit_job(JobName=state_input.name, JobQueue="nightly", JobDefinition="export:3")
submit = Task("SubmitJob", export, output=result.JobId, into=var.job)
ask = aws.batch.describe_jobs(Jobs=[submit.out])
again = retry(aws.batch.errors.ServerException, max_attempts=10)
describe = Task("DescribeJob", ask, output=result.Jobs[0].Status, into=var.status, retry=again)
load = Task("Load", aws.glue.start_job_run.sync(JobName="load", Arguments={"--job": submit.out}))

flow = chain(submit, poll(describe, every=60, until=describe.out == "SUCCEEDED", failed=describe.out == "FAILED"), load)
machine = StateMachine("job-poller", flow, query_language="JSONata")
