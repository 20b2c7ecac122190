"""The keys of model providers, and where each may go."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from tahoe_core.security.api_key import is_api_key
from tahoe_engine.models.catalog import ModelProviderInput
from tahoe_engine.runtime.model_errors import WrongKeyError

KEY_SUFFIX = "_API_KEY"
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class ProviderKeys:
    """What the environment holds for model providers.

    Whoever writes a provider's row names a variable and an address. The process has other secrets, which go nowhere,
    and a key goes to no host that its operator has not heard of.

    Attributes:
        environ: Where keys are looked up.
        hosts: To which keys may be sent, beside this machine and the providers' own addresses.
    """

    environ: Mapping[str, str]
    hosts: frozenset[str] = frozenset()

    def read(self, provider: ModelProviderInput, base_url: str | None, *, is_known: bool) -> SecretStr | None:
        """Returns the key of a provider; None: it needs none.

        Args:
            provider: Its row, which names the variable.
            base_url: Where the key would be sent; None: where the provider's own client sends it.
            is_known: Whether this is the address that is known by the provider's name.

        Raises:
            WrongKeyError: The variable is not set, holds what no HTTP header takes, is not for keys, or its key may not
                be sent there.
        """
        variable = provider.api_key_env_var
        if variable is None:
            return None
        if not variable.endswith(KEY_SUFFIX):
            raise WrongKeyError(
                f"{variable} is not sent to {provider.name}: only variables whose names end in {KEY_SUFFIX} are.",
                cure="Put the key into a variable that is called so.",
            )
        host = urlsplit(base_url).hostname if base_url else None
        if host is not None and not is_known and host not in _THIS_MACHINE | self.hosts:
            raise WrongKeyError(
                f"{variable} is not sent to {host}, which is not the known address of {provider.name}.",
                cure=f"If it is right, add {host} to TAHOE_MODEL_HOSTS, and start again.",
            )
        key = self.environ.get(variable, "").strip()
        if not key:
            raise WrongKeyError(
                f"The key of {provider.name} is not there: {variable} is not set.",
                cure=f"Set {variable}, and start again.",
            )
        if not is_api_key(key):
            raise WrongKeyError(
                f"{variable} holds no key of {provider.name}: a key is one word of ASCII characters.",
                cure=f"Copy the key once more into {variable}.",
            )
        return SecretStr(key)
