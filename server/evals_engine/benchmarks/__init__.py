"""What a benchmark evaluation adds: questions, two models side by side, figures by model."""
