//! The bytes of all four ways to the screen, read back by the rules of each protocol.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, Rgb, RgbImage};

use super::*;

/// Red above blue, green above nothing much: four colours in two columns and two rows.
fn four_pixels() -> DynamicImage {
    let mut pixels = RgbImage::new(2, 2);
    for (column, row, colour) in
        [(0, 0, [255, 0, 0]), (0, 1, [0, 0, 255]), (1, 0, [0, 255, 0]), (1, 1, [9, 9, 9])]
    {
        pixels.put_pixel(column, row, Rgb(colour));
    }
    pixels.into()
}

/// A picture with fine detail, larger than any window.
fn large() -> DynamicImage {
    let noise = |x: u32, y: u32| (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) as u8;
    RgbImage::from_fn(1600, 1200, |x, y| Rgb([noise(x, y), noise(y, x), 128])).into()
}

fn drawn(picture: &DynamicImage, protocol: Protocol, terminal: &Terminal) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes, picture, protocol, &Window::default(), terminal).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn coloured() -> Terminal {
    Terminal { true_colour: true, ..Terminal::default() }
}

fn decoded(png: &[u8]) -> DynamicImage {
    image::load_from_memory_with_format(png, ImageFormat::Png).unwrap()
}

#[test]
fn half_blocks_hold_two_pixels_per_character() {
    let expected = "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;0;255;0;48;2;9;9;9m▀\x1b[0m\n";
    assert_eq!(drawn(&four_pixels(), Protocol::Blocks, &coloured()), expected);
    let few = drawn(&four_pixels(), Protocol::Blocks, &Terminal::default());
    assert_eq!(few, "\x1b[38;5;196;48;5;21m▀\x1b[38;5;46;48;5;232m▀\x1b[0m\n");
}

#[test]
fn half_blocks_of_a_large_picture_stay_within_the_window() {
    let screen = drawn(&large(), Protocol::Blocks, &coloured());
    let lines: Vec<_> = screen.lines().collect();
    assert_eq!(lines.len(), 21, "24 rows without the three that are left free");
    assert!(lines.iter().all(|line| line.matches('▀').count() == 56), "{screen}");
}

#[test]
fn kitty_gets_the_picture_in_chunks_of_base64() {
    let screen = drawn(&large(), Protocol::Kitty, &coloured());
    let mut payload = String::new();
    let sequences: Vec<_> = screen.trim_end().split_terminator("\x1b\\").collect();
    assert!(sequences.len() > 2, "a large picture takes several chunks");
    for (number, sequence) in sequences.iter().enumerate() {
        let body = sequence.strip_prefix("\x1b_G").unwrap();
        let (head, chunk) = body.split_once(';').unwrap();
        assert!(chunk.len() <= 4096);
        match number {
            0 => assert_eq!(head, "a=T,f=100,q=2,c=56,r=21,m=1"),
            last if last + 1 == sequences.len() => assert_eq!(head, "m=0"),
            _ => assert_eq!(head, "m=1"),
        }
        payload.push_str(chunk);
    }
    let picture = decoded(&BASE64_STANDARD.decode(payload).unwrap());
    assert_eq!((picture.width(), picture.height()), (448, 336), "21 rows of 16 pixels");
}

#[test]
fn iterm_gets_the_picture_in_one_sequence() {
    let screen = drawn(&four_pixels(), Protocol::Iterm, &coloured());
    let body = screen.strip_prefix("\x1b]1337;File=").unwrap().strip_suffix("\x07\n").unwrap();
    let (head, payload) = body.split_once(':').unwrap();
    let png = BASE64_STANDARD.decode(payload).unwrap();
    let length = png.len();
    let expected = format!("inline=1;size={length};width=1;height=1;preserveAspectRatio=1");
    assert_eq!(head, expected);
    assert_eq!(decoded(&png).to_rgb8(), four_pixels().to_rgb8());
}

#[test]
fn sixels_decode_to_the_same_picture() {
    let screen = drawn(&four_pixels(), Protocol::Sixel, &coloured());
    assert!(screen.starts_with("\x1bP") && screen.ends_with("\x1b\\\n"), "{screen:?}");
    let read = icy_sixel::SixelImage::decode(screen.trim_end().as_bytes()).unwrap();
    // Sixels are six rows high, whatever the picture is.
    assert_eq!(read.dimensions(), (2, 6));
    let original = four_pixels().to_rgba8();
    for (read, original) in read.pixels.iter().zip(original.iter()) {
        assert!(read.abs_diff(*original) <= 3, "{screen:?}");
    }
}

#[test]
fn sixels_of_a_large_picture_stay_within_the_window() {
    let screen = drawn(&large(), Protocol::Sixel, &coloured());
    let read = icy_sixel::SixelImage::decode(screen.trim_end().as_bytes()).unwrap();
    assert_eq!(read.dimensions(), (448, 336));
}

#[test]
fn inside_tmux_sequences_travel_in_an_envelope() {
    let inside = Terminal { multiplexed: true, ..Terminal::default() };
    let screen = drawn(&four_pixels(), Protocol::Kitty, &inside);
    assert!(screen.starts_with("\x1bPtmux;\x1b\x1b_Ga=T,"), "{screen:?}");
    assert!(screen.ends_with("\x1b\x1b\\\x1b\\\n"), "{screen:?}");
    assert!(!drawn(&four_pixels(), Protocol::Sixel, &inside).contains("tmux"));
}

#[test]
fn none_draws_nothing() {
    assert_eq!(drawn(&four_pixels(), Protocol::None, &coloured()), "");
}
