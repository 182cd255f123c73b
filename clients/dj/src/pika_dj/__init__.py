"""The DJ's side of Pika!: reads what a DJ program plays and tells the server."""

VERSION = "0.4"
