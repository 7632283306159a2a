"""What a chat model gets to read: passages selected, merged, packed, quoted and numbered."""
