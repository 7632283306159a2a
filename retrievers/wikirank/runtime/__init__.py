"""Running ONNX models on the CPU: model folders, tokenizers, sessions, worker threads."""
