"""The commands around the endpoint: serve it, make and revoke its API keys, fill its store, and replay a decision."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from claimvet.data.contract.errors import UsageError
from claimvet.features.engines.progress import Progress
from claimvet.pipeline.cli.options import DataDirectory, ModelUri, ParamsFile, read_options, read_params
from claimvet.pipeline.progress import say, step
from claimvet.scoring_service.auth.roles import Role

keys_app = typer.Typer(no_args_is_help=True, help="Make, list or revoke API keys of the endpoint.")
events_app = typer.Typer(no_args_is_help=True, help="Fill the endpoint's event store.")

Store = Annotated[
    str,
    typer.Option(
        "--store",
        help="Event store: an SQLAlchemy URL, of SQLite or PostgreSQL.",
        metavar="URL",
        envvar="CLAIMVET_STORE",
    ),
]
DEFAULT_STORE = "sqlite:///claimvet.db"
CHAMPION_URI = "models:/claimvet@champion"
DEFAULT_OUTAGE_QUEUE = Path("claimvet-outage-queue.db")
_FORMER_OUTAGE_QUEUE = Path("claimvet-journal.db")
"""Its name before; claims may still wait in it."""

KeepText = Annotated[
    int | None,
    typer.Option(
        "--keep-text",
        min=1,
        help="Days after which narratives and bodies are erased; see docs/privacy.md.",
        metavar="DAYS",
        show_default="forever",
    ),
]


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.", metavar="PORT")] = 8080,
    store: Store = DEFAULT_STORE,
    model: ModelUri = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            "--shadow",
            help="Model that scores beside it, recorded only, such as models:/claimvet@challenger.",
            metavar="URI",
        ),
    ] = None,
    outage_queue: Annotated[
        Path,
        typer.Option(
            "--outage-queue", "--journal", help="File that keeps claims while the store is gone.", metavar="FILE"
        ),
    ] = DEFAULT_OUTAGE_QUEUE,
    keep_text: KeepText = None,
    follow: Annotated[
        float,
        typer.Option("--follow", min=0.1, help="Seconds between looks at what the model's alias names.", metavar="S"),
    ] = 5.0,
    check: Annotated[
        float,
        typer.Option(
            "--check", min=0, help="Seconds between self-checks against the batch path; 0: never.", metavar="S"
        ),
    ] = 300.0,
    check_decisions: Annotated[
        int, typer.Option("--check-decisions", min=1, help="Decisions of the last day in a self-check.", metavar="N")
    ] = 50,
) -> None:
    """Serve the scoring endpoint until it is stopped; see docs/serving.md."""
    from claimvet.scoring_service.http.light_start import import_lightgbm_alone
    from claimvet.scoring_service.model_loading.fetching import Fetching

    begun = Fetching(model or CHAMPION_URI)  # on another core, while this one imports the server
    try:
        import_lightgbm_alone()
        from claimvet.scoring_service.http.server import serve as run
        from claimvet.scoring_service.service import ServiceSettings

        settings = ServiceSettings(
            shadow=shadow,
            follow_seconds=follow,
            check_seconds=check,
            check_decisions=check_decisions,
            outage_queue=_outage_queue_there(outage_queue),
            keep_text_days=keep_text,
        ).with_model(model)
        run(store, settings, host, port, begun)
    finally:
        begun.close()


@keys_app.command("create")
def keys_create(
    role: Annotated[Role, typer.Option("--role", help="What the key is for: intake, reviewer or admin.")],
    store: Store = DEFAULT_STORE,
) -> None:
    """Print a new API key, once; only its hash is kept."""
    from claimvet.scoring_service.auth.keys import ID_DIGITS, SECRET_DIGITS, create_key
    from claimvet.scoring_service.store.db.database import opened, writing

    key_id, secret = secrets.token_hex(ID_DIGITS // 2), secrets.token_hex(SECRET_DIGITS // 2)
    with opened(store) as engine, writing(engine) as connection:
        key = create_key(role, key_id, secret, _now(), connection)
    typer.echo(f"id {key_id}, role {role.value}; this key is shown once:", err=True)
    typer.echo(key)


@keys_app.command("list")
def keys_list(store: Store = DEFAULT_STORE) -> None:
    """List every API key: id, role, when it was made, and when it was revoked."""
    from claimvet.scoring_service.auth.keys import list_keys
    from claimvet.scoring_service.store.db.database import opened
    from claimvet.scoring_service.times import rfc3339

    with opened(store) as engine, engine.connect() as connection:
        keys = list_keys(connection)
    for key in keys:
        state = "good" if key.revoked_at is None else f"revoked {rfc3339(key.revoked_at)}"
        typer.echo(f"{key.key_id}  {key.role.value:8}  made {rfc3339(key.created_at)}  {state}")


@keys_app.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="ID")],
    store: Store = DEFAULT_STORE,
) -> None:
    """Make an API key useless from now on."""
    from claimvet.scoring_service.auth.keys import revoke_key
    from claimvet.scoring_service.store.db.database import opened, writing

    with opened(store) as engine, writing(engine) as connection:
        revoke_key(key_id, _now(), connection)
    typer.echo(f"the key {key_id} is revoked")


@events_app.command("load")
def events_load(
    data: DataDirectory,
    store: Store = DEFAULT_STORE,
    params: ParamsFile = None,
) -> None:
    """Validate a data set and put all its rows into the event store; rows that are there already change nothing."""
    from claimvet.features.engines.open import open_data_set
    from claimvet.pipeline.stages.reach import notes_on_input
    from claimvet.scoring_service.store.load import load

    options = read_options(read_params(params))
    data_set = open_data_set(data, "duckdb", options.types)
    with step("Validating"):
        notes = notes_on_input(data_set, None, options.latest)
    for note in notes:
        say(f"note: {note}")
    with step("Loading") as tell:
        rows = load(data_set, store, _each_once(tell))
    typer.echo(f"{rows:,} rows of {data}")


@events_app.command("upgrade")
def events_upgrade(store: Store = DEFAULT_STORE) -> None:
    """Bring the event store of an older version to this one; stop the instances and back it up before."""
    from claimvet.scoring_service.store.db.database import upgrade

    upgrade(store)
    typer.echo("the event store is of this version")


def erase(
    customer: Annotated[
        str | None, typer.Option("--customer", help="Whose texts go; nobody else's do.", metavar="ID")
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", min=0, help="Or: texts of more than so many days ago.", metavar="DAYS"),
    ] = None,
    store: Store = DEFAULT_STORE,
) -> None:
    """Erase narratives and request bodies from the event store; their hashes stay, see docs/privacy.md."""
    if (customer is None) == (older_than is None):
        raise UsageError("erase takes either --customer ID or --older-than DAYS")
    from claimvet.scoring_service.decisions import erase as erasing
    from claimvet.scoring_service.store import EventStore
    from claimvet.scoring_service.store.db.database import require_file

    require_file(store)
    opened = EventStore.open(store, derive=False)
    try:
        if older_than is not None:
            gone = erasing.erase_all_older(opened, older_than, _now())
        else:
            with opened.begin() as connection:
                erasing.forget_for_good(connection)
                gone = erasing.erase_customer(str(customer), _now(), connection)
        emptied = erasing.empty_log(opened)
    finally:
        opened.close()
    typer.echo(f"erased the narratives of {gone.claims:,} claims and the texts of {gone.decisions:,} decisions")
    if not emptied:
        say("note: somebody reads the store, whose log may hold the texts until its next checkpoint")


def _outage_queue_there(asked: Path) -> Path:
    """Return the file of the name it had before, where that is there and no other was asked for: claims may wait in it."""
    former = asked == DEFAULT_OUTAGE_QUEUE and not asked.exists() and _FORMER_OUTAGE_QUEUE.exists()
    return _FORMER_OUTAGE_QUEUE if former else asked


def replay(
    decision_id: Annotated[
        str, typer.Argument(help="The decision's id, as the endpoint answered it.", metavar="DECISION_ID")
    ],
    store: Store = DEFAULT_STORE,
) -> None:
    """Compute a decision again from what it saw: the same bytes, or what differs (exit status 1)."""
    from claimvet.scoring_service.decisions.replay import replay as again
    from claimvet.scoring_service.store.db.database import opened

    with opened(store) as engine, engine.connect() as connection:
        result = again(decision_id, connection)
    typer.echo(str(result), err=not result.same)
    if not result.same:
        raise typer.Exit(1)


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("serve")(serve)
    app.add_typer(keys_app, name="keys")
    app.add_typer(events_app, name="events")
    app.command("replay")(replay)
    app.command("erase")(erase)


def _each_once(tell: Progress) -> Progress:
    """Tell of each part once where nothing is known of how far it is: tables are come back to, piece by piece."""
    told: set[str] = set()

    def tell_new(part: str, done: int = 0, total: int = 0) -> None:
        if total or part not in told:
            told.add(part)
            tell(part, done, total)

    return tell_new


def _now() -> int:
    from claimvet.scoring_service.times import micros

    return micros(datetime.now(UTC))
