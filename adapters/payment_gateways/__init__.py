"""The ways in and out: payment gateways behind `wallet_core.payments`."""
