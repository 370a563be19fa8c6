//! Scores against truth: AUROC, average precision, F1 and friends at a stated threshold, Dice,
//! SSIM and PSNR of normal tissue.
