def test_confirming_a_payment_activates_its_subscription(as_staff, payment):
    answer = as_staff.post("/api/payments/confirm-payment", {"payment_id": payment.pk})
    assert answer.status_code == 200, answer.content
    assert answer.json()["subscription"]["status"] == "active"
