//! The one integration binary. Each topic is a file; what it stands on is in `support`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends with the line at fault"
)]

mod access;
mod admission;
mod adopt;
mod apply;
mod architecture;
mod bad_input;
mod ca;
mod catalogue;
mod check;
mod config_show;
mod contract;
mod control_plane;
mod control_plane_end;
mod help;
mod hiding_places;
mod images;
mod init;
mod no_proxy;
mod patch_images;
mod patch_images_command;
mod pod_template;
mod preflight;
mod preparation;
mod programs;
mod readme;
mod render;
mod rewrite_command;
mod rules_command;
mod secrets;
mod stand_ins;
#[expect(dead_code, reason = "it offers more than the tests of today ask for")]
mod support;
mod uninstall;
mod wait;
mod wizard;
