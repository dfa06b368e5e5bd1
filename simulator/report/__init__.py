"""Views of results: tables for people, JSON documents. Reads result objects only; never runs anything."""
