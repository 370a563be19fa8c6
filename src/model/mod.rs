//! The published network: a ViT masked autoencoder with a reconstruction and an edge head.
