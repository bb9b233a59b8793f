"""How far a site's settings may go: each one's least and most.

Not for reading them (`configuration.py`). One rule: a limit that a text asks for says which.
"""

PULSE_LIMIT_MS = 1000  # hardware.md 5.6: intermittent coils; the hardware one-shot stands behind it

# Setting -> least and most a site may choose.
LIMITS: dict[str, tuple[int, int]] = {
    "timings.pulse_ms": (50, PULSE_LIMIT_MS),
    "timings.rest_ms": (1000, 60_000),
    "timings.settle_ms": (50, 2000),
    "timings.open_within_s": (5, 120),
    "timings.drawer_beep_s": (5, 300),
    "timings.drawer_alert_s": (10, 900),
    "timings.idle_warn_s": (10, 170),
    "timings.idle_sign_out_s": (30, 180),
    "timings.session_most_h": (1, 12),
    "timings.factor_within_s": (10, 60),
    "timings.witness_within_s": (15, 60),
    "timings.cosign_every_min": (1, 1440),
    "rules.delay_from_try": (2, 5),
    "rules.delay_s": (30, 600),
    "rules.lock_at_try": (3, 10),
    "rules.pin_days": (0, 3650),
    "rules.finger_off_at_try": (10, 50),
    "rules.crowd_tries": (10, 50),
    "rules.crowd_within_s": (300, 3600),
    "rules.code_valid_h": (1, 168),
    "rules.temporary_h": (1, 72),
    "rules.break_glass_min": (5, 240),
    "rules.critical_override_h": (1, 4),
    "rules.finger_min_score": (40, 1000),
    "rules.staff_list_gone_percent": (1, 10),
    "rules.space_warn_percent": (5, 50),
    "rules.space_refuse_percent": (1, 10),
    "review.stale_days": (7, 365),
    "review.expiring_days": (1, 180),
    "retention.order_days": (731, 36_525),
    "retention.patient_days": (2192, 36_525),
    "retention.person_days": (2192, 36_525),
    "retention.credential_days": (731, 36_525),
    "retention.technician_days": (2192, 36_525),
    "service.session_min": (5, 30),
    "service.idle_min": (1, 5),
    "service.certificate_h": (1, 168),
}
