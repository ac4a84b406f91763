"""Telling people something: by mail or by text message, without keeping anybody waiting."""
