"""Nearfield inside other tools: one file or folder a host, whose library is imported only there."""
