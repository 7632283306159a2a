"""Run ONNX models: model folders, tokenizers, sessions, worker threads."""
