"""The one writer: queue -> seq and time -> journal -> Exchange.apply -> answers and listeners."""
