"""Units of measurement and currencies, with their abbreviations.

A table is used because the library pint takes a third of a second to load and reads any letter as
a unit, while answers need "5 m" distinguished from "5 M" and "in" from inches.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from saysel.answers.plurals import singular


class Unit(NamedTuple):
    """The dimension of a unit, and its factor to the dimension's base unit.

    Scales with another zero (°C, °F) are separate dimensions: they are not converted.
    """

    dimension: str
    factor: Fraction


#: dimension → factor → names, in lower case and in the singular.
TABLE: dict[str, dict[str, str]] = {
    "length": {
        "1": "m|meter|metre",
        "1000": "km|kilometer|kilometre",
        "1/100": "cm|centimeter|centimetre",
        "1/1000": "mm|millimeter|millimetre",
        "1609.344": "mi|mile",
        "0.9144": "yd|yard",
        "0.3048": "ft|foot|feet",
        "0.0254": "inch|inches",
    },
    "area": {
        "1": "m^2|m2|sq m|square meter|square metre",
        "1/10000": "cm^2|cm2|sq cm|square centimeter|square centimetre",
        "1000000": "km^2|km2|sq km|square kilometer|square kilometre",
        "2589988.110336": "sq mi|square mile",
        "0.09290304": "sq ft|square foot|square feet",
        "10000": "ha|hectare",
        "4046.8564224": "acre",
    },
    "volume": {
        "1": "l|liter|litre",
        "1/1000": "ml|milliliter|millilitre|cm^3|cc|cubic centimeter|cubic centimetre",
        "1000": "m^3|m3|cubic meter|cubic metre",
        "3.785411784": "gallon|gal",
    },
    "mass": {
        "1": "kg|kilogram|kilo",
        "1/1000": "g|gram",
        "1/1000000": "mg|milligram",
        "1000": "tonne|metric ton",
        "0.45359237": "lb|lbs|pound weight",
        "0.028349523125": "oz|ounce",
    },
    "time": {
        "1": "s|sec|second",
        "60": "min|mins|minute",
        "3600": "h|hr|hrs|hour",
        "86400": "day",
        "604800": "week",
        "1/1000": "ms|millisecond",
    },
    "months": {"1": "month", "12": "year|yr|yrs|year old", "120": "decade", "1200": "century"},
    "speed": {
        "1": "m/s|m s|meter per second|metre per second",
        "1/3.6": "km/h|km h|kph|kmh|kilometer per hour|kilometre per hour",
        "0.44704": "mph|mile per hour",
    },
    "energy": {"1": "j|joule", "1000": "kj|kilojoule", "4184": "kcal|kilocalorie"},
    "power": {"1": "w|watt", "1000": "kw|kilowatt", "1000000": "mw|megawatt"},
    "data": {"1": "kb|kilobyte", "1000": "mb|megabyte", "1000000": "gb|gigabyte"},
    "frequency": {"1": "hz|hertz", "1000": "khz|kilohertz", "1000000": "mhz|megahertz"},
    "angle": {"1": "°|degree|deg"},
    "celsius": {"1": "°c|degree celsius|degree c|celsius|degree centigrade"},
    "fahrenheit": {"1": "°f|degree fahrenheit|degree f|fahrenheit"},
    "kelvin": {"1": "kelvin"},
    "percent": {"1": "%|percent|per cent|percentage"},
    "dollar": {"1": "$|dollar|usd|us$|us $|us dollar|buck", "1/100": "cent|¢"},
    "euro": {"1": "€|euro|eur"},
    "pound": {"1": "£|pound|gbp|pound sterling|british pound", "1/100": "penny|pence"},
    "yen": {"1": "¥|yen|jpy"},
    "rupee": {"1": "₹|rupee|inr"},
    "before christ": {"1": "bc|bce"},
    "none": {"1": "ad|ce"},
}


def _factor(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or "1")


UNITS = {
    name: Unit(dimension, _factor(factor))
    for dimension, factors in TABLE.items()
    for factor, names in factors.items()
    for name in names.split("|")
}
#: Signs and codes that precede their number.
BEFORE = frozenset(("$", "€", "£", "¥", "₹", "usd", "eur", "gbp", "jpy", "inr", "ad", "bc"))


def unit(words: str) -> Unit | None:
    """The unit that some words name: "km", "square miles", "degrees Celsius"."""
    first, _, rest = words.partition(" ")
    start, _, last = words.rpartition(" ")
    for name in (words, f"{singular(first)} {rest}".strip(), f"{start} {singular(last)}".strip()):
        if name in UNITS:
            return UNITS[name]
    return None
