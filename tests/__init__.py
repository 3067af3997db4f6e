"""The same folders again, plus whole scenarios, faults, browsers and benchmarks."""
