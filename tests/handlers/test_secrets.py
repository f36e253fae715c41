"""Settings of deployed functions: plain values, and references to secrets."""

import pytest

from handlers import secrets
from handlers.document import Misconfigured
from handlers.secrets import setting, settings


@pytest.fixture
def aws(monkeypatch):
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    secrets._read.cache_clear()
    with mock_aws():
        yield


def test_a_plain_value(monkeypatch):
    monkeypatch.setenv("KEY", "sk_test_1")
    assert setting("KEY") == "sk_test_1"


def test_references(monkeypatch, aws):
    import boto3

    boto3.client("ssm").put_parameter(Name="/pay/key", Value="from-ssm", Type="SecureString")
    boto3.client("secretsmanager").create_secret(Name="pay/key", SecretString="from-secrets-manager")
    monkeypatch.setenv("KEY", "ssm:/pay/key")
    assert setting("KEY") == "from-ssm"
    monkeypatch.setenv("KEY", "secretsmanager:pay/key")
    assert setting("KEY") == "from-secrets-manager"


@pytest.mark.parametrize("stored", ["sk_live_1\n", "\r\n sk_live_1", "\tsk_live_1 "])
def test_white_space_around_a_value_is_no_part_of_it(monkeypatch, aws, stored):
    """A file with a secret ends with a line end, and `--secret-string file://key.txt` takes it as it is."""
    import boto3

    boto3.client("secretsmanager").create_secret(Name=repr(stored), SecretString=stored)
    boto3.client("ssm").put_parameter(Name="/pay/spaced", Value=stored, Type="SecureString", Overwrite=True)
    for reference in (stored, f"secretsmanager:{stored!r}", "ssm:/pay/spaced\n"):
        monkeypatch.setenv("KEY", reference)
        assert setting("KEY") == "sk_live_1"


def test_two_values(monkeypatch):
    monkeypatch.setenv("KEY", "old\nnew")
    assert settings("KEY") == ["old", "new"]
    with pytest.raises(Misconfigured, match="KEY: has white space inside"):
        setting("KEY")


@pytest.mark.parametrize(
    "stored", [" \n", '{"STRIPE_API_KEY": "sk_live_1"}', "\ufeffsk_live_1", "sk_live_\u20111", "sk\x001"]
)
def test_what_no_secret_is(monkeypatch, aws, stored):
    """As a key it could not be sent, or would be rejected; as a webhook's secret no signature would fit."""
    import boto3

    boto3.client("secretsmanager").create_secret(Name="pay/bad", SecretString=stored)
    monkeypatch.setenv("KEY", "secretsmanager:pay/bad")
    with pytest.raises(Misconfigured, match="KEY: ") as error:
        setting("KEY")
    assert "live" not in str(error.value)


def test_a_corrected_secret_is_read_anew(monkeypatch, aws):
    import boto3

    client = boto3.client("secretsmanager")
    client.create_secret(Name="pay/bad", SecretString=" ")
    monkeypatch.setenv("KEY", "secretsmanager:pay/bad")
    with pytest.raises(Misconfigured), secrets.fresh_secrets_after(Misconfigured):
        setting("KEY")
    client.put_secret_value(SecretId="pay/bad", SecretString="sk_live_1")
    assert setting("KEY") == "sk_live_1"


def test_a_binary_secret(monkeypatch, aws):
    import boto3

    boto3.client("secretsmanager").create_secret(Name="pay/binary", SecretBinary=b"sk_live_1")
    monkeypatch.setenv("KEY", "secretsmanager:pay/binary")
    with pytest.raises(Misconfigured, match="KEY: the secret is empty"):
        setting("KEY")


@pytest.mark.parametrize("value", [None, "", " ", "ssm:/nowhere"])
def test_what_cannot_be_read(monkeypatch, aws, value):
    monkeypatch.delenv("KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("KEY", value)
    with pytest.raises(Misconfigured, match="KEY"):
        setting("KEY")
