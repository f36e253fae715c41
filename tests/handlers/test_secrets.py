"""Settings of deployed functions: plain values, and references to secrets."""

import pytest

from handlers.document import Misconfigured
from handlers.secrets import setting


@pytest.fixture
def aws(monkeypatch):
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


def test_a_plain_value(monkeypatch):
    monkeypatch.setenv("KEY", "sk_test_1")
    assert setting("KEY") == "sk_test_1"


def test_references(monkeypatch, aws):
    import boto3

    boto3.client("ssm").put_parameter(Name="/pay/key", Value="from ssm", Type="SecureString")
    boto3.client("secretsmanager").create_secret(Name="pay/key", SecretString="from secrets manager")
    monkeypatch.setenv("KEY", "ssm:/pay/key")
    assert setting("KEY") == "from ssm"
    monkeypatch.setenv("KEY", "secretsmanager:pay/key")
    assert setting("KEY") == "from secrets manager"


@pytest.mark.parametrize("value", [None, "", "ssm:/nowhere"])
def test_what_cannot_be_read(monkeypatch, aws, value):
    monkeypatch.delenv("KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("KEY", value)
    with pytest.raises(Misconfigured, match="KEY"):
        setting("KEY")
