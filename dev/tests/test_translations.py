"""The check that no text goes without a Russian translation, on a program of two files."""

import pytest

from dev import catalogs, translations

CODE = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext

TITLE = _("Payment")
MONTH = pgettext("interval", "month")


def count(n):
    return ngettext("%(n)d payment", "%(n)d payments", n) % {"n": n}
"""
TEMPLATE = """{% load i18n %}
<div>
    <h1>{% translate "It's yours" %}</h1>
  {% blocktranslate with name=user.name trimmed %}
    Hello,
    {{ name }}
  {% endblocktranslate %}
</div>
"""
RUSSIAN = {
    "Payment": "Платёж",
    "month": "месяц",
    "It's yours": "Это ваше",
    "Hello, %(name)s": "Здравствуйте, %(name)s",
}


@pytest.fixture
def program(tmp_path):
    (tmp_path / "shop" / "templates").mkdir(parents=True)
    (tmp_path / "shop" / "views.py").write_text(CODE)
    (tmp_path / "shop" / "templates" / "page.html").write_text(TEMPLATE)
    return tmp_path


def translate(program, **changes) -> None:
    path = translations.po_path(program / "locale", "ru")
    catalog = translations.read(path, "ru")
    for message in catalog:
        if isinstance(message.id, tuple):
            message.string = ("%(n)d платёж", "%(n)d платежа", "%(n)d платежей")
        elif message.id:
            message.string = (RUSSIAN | changes)[message.id]
    with path.open("wb") as file:
        translations.write_po(file, catalog)


def check(program) -> int:
    return translations.check(program, program / "locale")


def test_texts_are_found_with_their_place(program):
    found = {(text.file, text.line, text.context, text.id) for text in translations.find(program)}
    assert found == {
        ("shop/views.py", 4, None, "Payment"),
        ("shop/views.py", 5, "interval", "month"),
        ("shop/views.py", 9, None, ("%(n)d payment", "%(n)d payments")),
        ("shop/templates/page.html", 3, None, "It's yours"),
        ("shop/templates/page.html", 4, None, "Hello, %(name)s"),
    }


def test_untranslated_texts_are_listed_and_fail(program, capsys):
    assert check(program) == 1
    assert "shop/views.py:4: no ru translation: 'Payment'" in capsys.readouterr().out


def test_collected_and_translated_texts_pass_and_are_compiled(program):
    translations.collect(program, program / "locale")
    assert check(program) == 1
    translate(program)
    assert check(program) == 0
    catalogs.compile_stale(program / "locale")
    assert "Платёж".encode() in translations.po_path(program / "locale", "ru").with_suffix(".mo").read_bytes()


def test_collecting_again_keeps_translations_and_drops_what_is_gone(program):
    translations.collect(program, program / "locale")
    translate(program)
    (program / "shop" / "views.py").write_text(CODE.replace('_("Payment")', '_("Refund")'))
    translations.collect(program, program / "locale")
    path = translations.po_path(program / "locale", "ru")
    text = path.read_text()
    assert "Это ваше" in text
    assert "Платёж" not in text
    assert check(program) == 1


def test_collecting_twice_changes_nothing(program):
    translations.collect(program, program / "locale")
    first = translations.po_path(program / "locale", "ru").read_bytes()
    translations.collect(program, program / "locale")
    assert translations.po_path(program / "locale", "ru").read_bytes() == first


@pytest.mark.parametrize(("change", "words"), [("", "no ru translation"), ("Здравствуйте", "other placeholders")])
def test_an_empty_translation_and_one_without_its_placeholder_fail(program, capsys, change, words):
    translations.collect(program, program / "locale")
    translate(program, **{"Hello, %(name)s": change})
    assert check(program) == 1
    assert words in capsys.readouterr().out


def test_a_guessed_translation_fails(program):
    translations.collect(program, program / "locale")
    translate(program)
    path = translations.po_path(program / "locale", "ru")
    path.write_text(path.read_text().replace('msgid "Payment"', '#, fuzzy\nmsgid "Payment"'))
    assert check(program) == 1
