//! What is typed without arc-setup. It must know container and image beforehand.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::fleet::{self, Fleet};
use super::{NAMESPACES, Sample};
use crate::measure;

/// Objects that are set one by one in each round.
const SINGLES: usize = 40;

fn command(fleet: &Fleet, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(fleet.kubectl());
    let kubeconfig = fleet.kubeconfig()?;
    command
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", &kubeconfig)
        .env("HOME", kubeconfig.parent().unwrap_or(&kubeconfig))
        .env("PATH", "/usr/bin:/bin");
    Ok(command)
}

/// `kubectl set image deployment --all`, namespace by namespace.
pub(super) fn set_all(fleet: &Fleet, round: usize) -> Result<Duration> {
    let image = format!("web={}", fleet::image(round + 1));
    (0..NAMESPACES).try_fold(Duration::ZERO, |sum, number| {
        let namespace = Fleet::namespace(number);
        let arguments = [
            "set",
            "image",
            "deployment",
            "--all",
            &image,
            "-n",
            &namespace,
        ];
        Ok(sum + measure::run(&mut command(fleet, &arguments)?, &[0])?)
    })
}

/// `kubectl set image` of one object, and of the next: the time of one. The images are as they are wanted, but for
/// the tag, and come back.
pub(super) fn set_one_by_one(fleet: &Fleet) -> Result<Sample> {
    let namespace = Fleet::namespace(0);
    let singles = SINGLES.min(fleet.each());
    let set = |number: usize, image: &str| {
        let object = format!("deployment/web-{number}");
        let image = format!("web={image}");
        let arguments = ["set", "image", &object, &image, "-n", &namespace];
        measure::run(&mut command(fleet, &arguments)?, &[0])
    };
    let other = format!("{}-alpine", fleet::image(fleet.round()));
    let (wall, cpu) = fleet.sample(|| {
        (0..singles).try_fold(Duration::ZERO, |sum, number| Ok(sum + set(number, &other)?))
    })?;
    for number in 0..singles {
        set(number, &fleet::image(fleet.round()))?;
    }
    let each = u32::try_from(singles)?;
    Ok((wall / each, cpu / each))
}

/// `kubectl get -o json` of everything that we look at.
pub(super) fn get(fleet: &Fleet) -> Result<Duration> {
    let kinds = "deployments,statefulsets,daemonsets,cronjobs,podtemplates,replicationcontrollers,replicasets,jobs,pods";
    let arguments = ["get", kinds, "-A", "-o", "json"];
    measure::run(&mut command(fleet, &arguments)?, &[0])
}
