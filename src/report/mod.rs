//! Tables, and the folder a run leaves behind.
