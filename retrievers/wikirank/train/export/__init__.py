"""Export a trained cross-encoder to int8 ONNX, and rebuild it from there."""
