"""The subcommands `providers` and `default`: who can be asked, and who is. `command.py` calls them."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from dataclasses import asdict

from sansio_core import InvalidRequest, providers
from sansio_core.providers import ProviderInfo
from sansio_core.providers.registering import is_variable

from .._shared import installed as installed  # so that other packages' providers are listed
from .config import NO_KEY, Config
from .exit import COMPLETE, say
from .output import Output, output_for
from .table import write_table

_HEADINGS = ("NAME", "DEFAULT MODEL", "WORKING", "KEY VARIABLE", "BASE URL")
_ORDER = ("KEY VARIABLE", "DEFAULT MODEL", "WORKING", "BASE URL")


def show_providers(args: Namespace) -> int:
    """Write the table of the providers, or their facts as JSON; or add or remove a host. Returns the exit code."""
    out = output_for(args.output)
    if args.add is not None:
        _add(args, out)
    elif any((args.url, args.key, args.model, args.wire)):
        raise InvalidRequest("--url, --key, --model and --wire go with --add NAME")
    elif args.remove is not None:
        _remove(args.remove, _config(args), out)
    else:
        known = [providers.info(name) for name in providers.names()]
        if args.output == "json":
            out.write(json.dumps([_facts(info) for info in known], indent=2) + "\n")
        else:
            write_table(out, _HEADINGS, [_row(info) for info in known], _ORDER)
    return COMPLETE


def _add(args: Namespace, out: Output) -> None:
    name, config = args.add, _config(args)
    if not args.url:
        raise InvalidRequest("--add NAME needs the host's --url URL, with its version: https://api.acme.example/v1")
    if name in config.hosts:
        raise InvalidRequest(f"{name} is in {config.path} already: --remove it first, or edit the file")
    if args.key and not is_variable(args.key):
        raise InvalidRequest(f"--{NO_KEY}")
    given = {"url": args.url, "key": args.key, "model": args.model, "wire": args.wire}
    fields = {field: value for field, value in given.items() if value is not None}
    providers.register_host(name, **fields)  # before it is written, as this checks all
    config.set(("hosts", name), fields)
    out.write(f"{name} is now in {config.path}\n")
    if args.key and not os.environ.get(args.key):
        say(f"its key is still to be set: export {args.key}=...")
    model = "" if args.model else " -m MODEL"
    out.write(f"ask it with: sansio-chat ask -p {name}{model} PROMPT\n")


def _remove(name: str, config: Config, out: Output) -> None:
    if name not in config.hosts:
        known = ", ".join(config.hosts) or "none"
        raise InvalidRequest(f"there is no host {name!r} in {config.path}: it has {known}")
    config.set(("hosts", name), {})
    out.write(f"{name} is no longer in {config.path}\n")
    if config.default.get("provider") == name:
        config.set(("default",), {})
        say("it was the default: there is none now (`sansio-chat default PROVIDER` sets one)")


def default(args: Namespace) -> int:
    """Show, set or remove who is asked where -p is not given; returns the exit code."""
    config, out = _config(args), output_for(None)
    given = args.provider or args.model
    if given and args.unset:
        raise InvalidRequest("--unset goes alone")
    if given:
        config.set(("default",), _usual(args.provider or config.default.get("provider"), args.model))
    elif args.unset:
        config.set(("default",), {})
    if not config.default:
        say("no default is set: `sansio-chat default PROVIDER [-m MODEL]` sets one")
    else:
        model = config.default.get("model")
        out.write(config.default["provider"] + (f" -m {model}" if model else "") + "\n")
    return COMPLETE


def _usual(provider: str | None, model: str | None) -> dict[str, str]:
    """The fields of [default]. Raises InvalidRequest for a provider, or a model of it, that there is not."""
    if provider is None:
        raise InvalidRequest("name the provider too: sansio-chat default PROVIDER -m MODEL")
    info = providers.info(provider)
    if model is None:
        return {"provider": info.name}
    if info.models:
        providers.create(info.name, model=model)  # raises
    return {"provider": info.name, "model": model}


def _config(args: Namespace) -> Config:
    """The file. Raises OSError for one that must not be read: what stands in it would be overwritten."""
    config: Config = args.config or Config()
    return config


def _facts(info: ProviderInfo) -> dict[str, object]:
    alike = ("supports_message_history", "supports_system_message")  # the same of all, and so no fields of each
    return asdict(info) | {name: getattr(info, name) for name in alike}


def _row(info: ProviderInfo) -> tuple[str, ...]:
    return info.name, info.default_model or "-", "yes" if info.working else "no", info.api_key_env or "-", info.url
