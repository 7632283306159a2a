"""Score training groups with teachers: other cross-encoders and bi-encoders."""
