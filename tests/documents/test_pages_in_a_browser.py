import os

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
def page(monkeypatch):
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=[*FLAGS, "--disable-component-update"]
        )
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize(
    ("path", "operation"),
    [("/api/docs", "#operations-payments-confirm_payment"), ("/api/redoc", "h2:has-text('Confirm payment')")],
)
def test_a_page_shows_every_operation_and_asks_no_other_server(live_server, page, path, operation):
    answered, broken = [], []
    page.on("requestfinished", lambda request: answered.append(request.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"{live_server.url}{path}")
    page.locator(operation).first.wait_for(timeout=20_000)
    page.wait_for_load_state("networkidle")
    assert f"{live_server.url}/api/schema" in answered
    assert [url for url in answered if not url.startswith((live_server.url, "data:", "blob:"))] == []
    assert broken == []
