"""Export of a trained cross-encoder to int8 ONNX."""
