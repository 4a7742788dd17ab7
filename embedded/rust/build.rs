// SPDX-License-Identifier: MIT
//! Compiles the heap's C sources for the target at hand, or takes an archive that is there.
//!
//! | variable | effect |
//! | --- | --- |
//! | `CC_<target>`, `TARGET_CC`, `CC` | the C compiler, the first that is set; the target with `_` for `-` |
//! | `AR_<target>`, `TARGET_AR`, `AR` | the same of `ar` |
//! | `QUERN_CFLAGS` | more flags for the C compiler, knobs of lib/base/config.h among them |
//! | `QUERN_CONFIG` | a folder with a quern-config.h: the same knobs |
//! | `QUERN_ARCHIVE` | a prebuilt archive; nothing is compiled |
//!
//! A prebuilt archive has the lock that it was built with: the feature has to name it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{exit, Child, Command};

/// A heap of one's own: core_c of lib/Makefile.inc without the engines
const CORE: &[&str] = &[
    "base/knobs",
    "base/strtab",
    "format/trace",
    "heap/arena",
    "heap/census",
    "heap/heap-look",
    "heap/heap-make",
    "heap/heap-step",
    "heap/heap",
    "heap/pool",
    "heap/zone",
    "hint/record",
    "learn/chooser",
    "learn/controller",
    "learn/cost",
    "learn/features",
    "learn/network",
    "learn/policy-bandit",
    "learn/policy-dqn",
    "learn/policy-fixed",
    "learn/policy-paper-dqn",
    "learn/policy-rule",
    "learn/policy-tuned",
    "learn/presets",
    "learn/profile",
    "learn/rails",
    "learn/sampler",
    "learn/table",
];

/// The heap of a Linux process: linux_c of lib/Makefile.inc
const PROCESS: &[&str] = &[
    "format/conf",
    "format/print",
    "format/rundir",
    "format/tuned",
    "learn/chooser-process",
    "learn/cost-process",
    "port/guard",
    "port/posix",
    "port/thread",
    "process/audit",
    "process/control",
    "process/delays",
    "process/fence",
    "process/follow",
    "process/gauge",
    "process/guest",
    "process/hard-large",
    "process/hard-report",
    "process/hard-slab",
    "process/hard",
    "process/helper",
    "process/hub",
    "process/idle",
    "process/local-account",
    "process/local-life",
    "process/local-medium",
    "process/local-slab",
    "process/local",
    "process/medium-audit",
    "process/medium-purge",
    "process/medium",
    "process/place",
    "process/pressure",
    "process/process-calloc",
    "process/process-direct",
    "process/process-figures",
    "process/process-fork",
    "process/process-life",
    "process/process-live",
    "process/process-page",
    "process/process-place",
    "process/process-public",
    "process/process-realloc",
    "process/process-report",
    "process/process-sites",
    "process/process-sized",
    "process/process",
    "process/remote",
    "process/resident",
    "process/segment-check",
    "process/segment-purge",
    "process/segment",
    "process/share",
    "process/sites",
    "process/slab",
    "process/slack",
    "process/space",
    "process/tally",
    "process/trap",
    "process/trap-report",
];

/// Flags of the C compiler by the start of the target's name, the longest first
const TARGETS: &[(&str, &str)] = &[
    ("thumbv6m", "-mcpu=cortex-m0plus -mthumb"),
    ("thumbv7m", "-mcpu=cortex-m3 -mthumb"),
    (
        "thumbv7em-none-eabihf",
        "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
    ),
    ("thumbv7em", "-mcpu=cortex-m4 -mthumb -mfloat-abi=soft"),
    ("thumbv8m.base", "-mcpu=cortex-m23 -mthumb"),
    (
        "thumbv8m.main-none-eabihf",
        "-mcpu=cortex-m33 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
    ),
    ("thumbv8m.main", "-mcpu=cortex-m33 -mthumb -mfloat-abi=soft"),
    ("riscv32imc", "-march=rv32imc -mabi=ilp32"),
    ("riscv32imac", "-march=rv32imac -mabi=ilp32"),
];

fn stop(why: String) -> ! {
    eprintln!("quern: {why}");
    exit(1)
}

fn var(name: &str) -> Option<String> {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Set by cargo
fn cargo(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| stop(format!("{name} is not set: run this by cargo")))
}

fn has(feature: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
}

/// A tool by its variables, or the usual one of the target
fn tool(name: &str, target: &str, cross: &str, host: &str) -> String {
    var(&format!("{name}_{target}"))
        .or_else(|| var(&format!("{name}_{}", target.replace(['-', '.'], "_"))))
        .or_else(|| var(&format!("TARGET_{name}")))
        .or_else(|| (target == cargo("HOST")).then(|| var(name)).flatten())
        .unwrap_or_else(|| {
            if target == cargo("HOST") {
                host.into()
            } else if target.starts_with("thumb") {
                format!("arm-none-eabi-{cross}")
            } else if target.starts_with("riscv") {
                format!("riscv64-unknown-elf-{cross}")
            } else {
                stop(format!(
                    "name the C tools of {target}: set TARGET_CC and TARGET_AR"
                ))
            }
        })
}

/// The lock of a heap as knobs; QN_RUST_LOCK is read in c/port.c. The strongest wins.
fn lock() -> &'static [&'static str] {
    if has("CRITICAL_SECTION") {
        &["-DQN_RUST_LOCK=1", "-DQN_HEAP_LOCK=1"]
    } else if has("CORTEX_M") {
        &["-DQN_RUST_LOCK=2", "-DQN_LOCK_IRQ=1"]
    } else if has("SPIN") {
        &["-DQN_RUST_LOCK=3", "-DQN_HEAP_LOCK=1"]
    } else {
        &["-DQN_RUST_LOCK=0", "-DQN_HEAP_LOCK=0"]
    }
}

fn flags(root: &Path, target: &str) -> Vec<String> {
    let optimise = match cargo("OPT_LEVEL").as_str() {
        "s" | "z" => "-Os",
        _ => "-O2",
    };
    let mut flags: Vec<String> = [
        "-std=gnu11",
        "-g",
        optimise,
        "-ffunction-sections",
        "-fdata-sections",
    ]
    .map(String::from)
    .into();
    flags.push(format!("-I{}", root.join("lib").display()));
    if has("STD") {
        // As libquern.so is compiled: LIBRARY_CFLAGS of Makefile.am
        let process = "-fPIC -fvisibility=hidden -fno-builtin -ftls-model=initial-exec";
        flags.extend(process.split(' ').map(String::from));
    } else {
        flags.extend(["-ffreestanding", "-DQN_SMALL=1"].map(String::from));
        flags.extend(lock().iter().map(|knob| knob.to_string()));
        if cargo("CARGO_CFG_TARGET_OS") != "none" {
            flags.push("-fPIC".into());
        }
    }
    if let Some((_, cpu)) = TARGETS.iter().find(|(start, _)| target.starts_with(start)) {
        flags.extend(cpu.split(' ').map(String::from));
    }
    if let Some(folder) = var("QUERN_CONFIG") {
        println!("cargo:rerun-if-changed={folder}/quern-config.h");
        flags.extend(["-DQN_CONFIG_H".into(), format!("-I{folder}")]);
    }
    if let Some(more) = var("QUERN_CFLAGS") {
        flags.extend(more.split_whitespace().map(String::from));
    }
    flags
}

fn finished(mut child: Child, what: &str) {
    match child.wait() {
        Ok(status) if status.success() => (),
        Ok(status) => stop(format!("{what}: {status}")),
        Err(error) => stop(format!("{what}: {error}")),
    }
}

fn started(command: &mut Command) -> Child {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().unwrap_or_else(|error| {
        stop(format!(
            "the C sources need {name} (or another by TARGET_CC, TARGET_AR): {error}"
        ))
    })
}

/// As many at a time as cargo says
fn compile(compiler: &str, flags: &[String], sources: &[PathBuf], out: &Path) -> Vec<PathBuf> {
    let most: usize = cargo("NUM_JOBS").parse().unwrap_or(1);
    let mut running: Vec<(Child, String)> = Vec::new();
    let mut objects = Vec::new();

    for (nr, source) in sources.iter().enumerate() {
        let object = out.join(format!("{nr}.o"));
        let mut command = Command::new(compiler);
        command
            .args(flags)
            .arg("-c")
            .arg("-o")
            .arg(&object)
            .arg(source);
        if running.len() >= most {
            let (child, what) = running.remove(0);
            finished(child, &what);
        }
        running.push((started(&mut command), source.display().to_string()));
        objects.push(object);
    }
    for (child, what) in running {
        finished(child, &what);
    }
    objects
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let of = |names: &[&str]| -> Vec<PathBuf> {
        names
            .iter()
            .map(|name| root.join(format!("lib/{name}.c")))
            .collect()
    };
    let mut sources = of(CORE);

    if has("STD") {
        sources.extend(of(PROCESS));
        sources.push(root.join("embedded/rust/c/process.c"));
    } else {
        sources.push(root.join("embedded/rust/c/port.c"));
    }
    sources
}

fn build(root: &Path, out: &Path) {
    let target = cargo("TARGET");
    let compiler = tool("CC", &target, "gcc", "cc");
    let archiver = tool("AR", &target, "ar", "ar");
    let objects = compile(&compiler, &flags(root, &target), &sources(root), out);
    let archive = out.join("libquern_c.a");

    let _ = std::fs::remove_file(&archive);
    let mut command = Command::new(&archiver);
    finished(
        started(command.arg("rcs").arg(&archive).args(objects)),
        &archiver,
    );
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static=quern_c");
}

/// libNAME.a, wherever it is
fn take(archive: &Path) {
    let name = archive
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    let name = name
        .strip_prefix("lib")
        .and_then(|name| name.strip_suffix(".a"));
    let (Some(name), Some(folder), true) = (name, archive.parent(), archive.exists()) else {
        stop(format!(
            "QUERN_ARCHIVE: no archive libNAME.a: {}",
            archive.display()
        ))
    };

    println!("cargo:rerun-if-changed={}", archive.display());
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static={name}");
}

fn main() {
    let root = PathBuf::from(cargo("CARGO_MANIFEST_DIR"));
    let is_locked = ["STD", "CRITICAL_SECTION", "CORTEX_M", "SPIN"]
        .iter()
        .any(|name| has(name));

    for path in ["lib", "embedded/rust/c", "embedded/rust/build.rs"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rustc-check-cfg=cfg(quern_locked)");
    if is_locked {
        println!("cargo:rustc-cfg=quern_locked");
    }
    if has("STD") && cargo("CARGO_CFG_TARGET_OS") != "linux" {
        stop("feature std is for Linux".into());
    }
    match var("QUERN_ARCHIVE") {
        Some(archive) => take(Path::new(&archive)),
        None => build(&root, Path::new(&cargo("OUT_DIR"))),
    }
}
