"""What a start lists: the commands that bring the listed instruments to what the settings say, and their refusal.

Layer: listings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.commands import ListInstrument
from engine.events import Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from listings.instruments_file import ListingError, require_apart
from sequencer.port import Sequencing


def newly_scheduled(instruments: Iterable[Instrument], exchange: Exchange) -> list[str]:
    """The symbols that sessions open and close from now on, and did not until now."""
    return [listed.symbol for listed in instruments if listed.scheduled and not _scheduled(exchange, listed)]


def list_instruments(instruments: Sequence[Instrument], exchange: Exchange, sequencer: Sequencing) -> None:
    """List those that are not listed as they are. Raises ListingError where one cannot be."""
    require_apart([listed.symbol for listed in instruments if listed.symbol not in exchange.books], exchange.books)
    commands = [
        ListInstrument(instrument) for instrument in instruments if exchange.instrument(instrument.symbol) != instrument
    ]
    for applied in sequencer.submit_all(commands) if commands else ():
        for event in applied.events:
            if isinstance(event, Rejected):
                raise ListingError(
                    f"{event.symbol} is listed in this data folder with another tick, lot or asset. "
                    "Give it another symbol, or start with another --data folder."
                )


def _scheduled(exchange: Exchange, instrument: Instrument) -> bool:
    """Whether sessions opened and closed this symbol until now."""
    known = exchange.instrument(instrument.symbol)
    return known is not None and known.scheduled
