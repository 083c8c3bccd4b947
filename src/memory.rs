//! How much memory there is: asked before work begins that takes much, so that it is refused in words and not killed halfway.

use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// Work that takes less than this is not asked about: finding out takes longer.
const SMALL: u64 = 16 << 20;
/// The share of what there is that is left to the rest of the process and to what allocators waste, and the least of it.
const RESERVED: (u64, u64) = (32, 32 << 20);

/// The bytes of an array of floats of this shape, at most `u64::MAX`.
pub(crate) fn floats(shape: &[usize]) -> u64 {
    shape.iter().fold(4, |bytes: u64, &length| bytes.saturating_mul(length as u64))
}

/// An error if `what` takes more bytes than there are; `advice` says how it takes fewer.
pub(crate) fn check(what: impl Into<String>, needed: u64, advice: impl Into<String>) -> Result<()> {
    if needed < SMALL {
        return Ok(());
    }
    let available = available();
    if needed <= available {
        return Ok(());
    }
    Err(Error::Memory { what: what.into(), needed, available, advice: advice.into() })
}

/// An error if so many networks at the same time take more than there is, whichever these are. One that alone takes too much says so
/// itself.
#[cfg(feature = "torch")]
pub(crate) fn check_together(needs: impl IntoIterator<Item = u64>, at_a_time: usize) -> Result<()> {
    let mut needs: Vec<u64> = needs.into_iter().filter(|&needed| check("a network", needed, "").is_ok()).collect();
    needs.sort_unstable_by(|a, b| b.cmp(a));
    let together = needs.iter().take(at_a_time).fold(0, |sum: u64, &needed| sum.saturating_add(needed));
    let what = format!("training {} networks at the same time", at_a_time.min(needs.len()));
    check(what, together, "train fewer at a time (`threads`), or take smaller batches")
}

/// The bytes that this process can still take, as far as the system tells.
fn available() -> u64 {
    // No machine has more addresses.
    const ADDRESSES: u64 = 1 << 47;
    let limits = [limit_of_process(), limit_of_group(), free_on_machine()];
    let least = limits.into_iter().flatten().fold(ADDRESSES, u64::min);
    least.saturating_sub((least / RESERVED.0).max(RESERVED.1))
}

/// What `ulimit -v` leaves.
fn limit_of_process() -> Option<u64> {
    let limit = limit_of_addresses(&fs::read_to_string("/proc/self/limits").ok()?)?;
    let used = kib(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    Some(limit.saturating_sub(used))
}

/// The soft limit in Linux's report, in bytes.
fn limit_of_addresses(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A number of bytes in a line `NAME 12345 kB`.
fn kib(report: &str, name: &str) -> Option<u64> {
    let line = report.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What the control groups leave in which this process is, as in a container or under a scheduler: of the strictest.
fn limit_of_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let left = groups.lines().filter_map(|line| {
        // Version 2 has `0::/path`, version 1 a line for each controller.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            _ => return None,
        };
        let inside = Path::new(root).join(path);
        // Those above it hold, too; within a container the path may not be there, and its root is ours.
        inside
            .ancestors()
            .take_while(|group| group.starts_with(root))
            .filter_map(|group| left_in(group, limit, used))
            .min()
    });
    left.min()
}

/// What a control group leaves; what it has of files in memory is given back where it is needed.
fn left_in(group: &Path, limit: &str, used: &str) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let files = || {
        let stat = fs::read_to_string(group.join("memory.stat")).ok()?;
        let line = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        Some(line("inactive_file ").unwrap_or(0) + line("active_file ").unwrap_or(0))
    };
    Some(number(limit)?.saturating_sub(number(used)?.saturating_sub(files().unwrap_or(0))))
}

/// What the machine has free, its swap included.
#[cfg(not(target_os = "macos"))]
fn free_on_machine() -> Option<u64> {
    let report = fs::read_to_string("/proc/meminfo").ok()?;
    Some(kib(&report, "MemAvailable:")?.saturating_add(kib(&report, "SwapFree:").unwrap_or(0)))
}

/// What the machine has at all: a Mac frees and compresses memory when it is asked for.
#[cfg(target_os = "macos")]
fn free_on_machine() -> Option<u64> {
    static SIZE: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();
    *SIZE.get_or_init(|| {
        let told = std::process::Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_never_overflow() {
        assert_eq!(floats(&[2, 3]), 24);
        assert_eq!(floats(&[usize::MAX, usize::MAX, 7]), u64::MAX);
        assert_eq!(floats(&[]), 4);
    }

    #[test]
    fn little_is_not_refused_and_what_no_machine_has_is() {
        assert!(check("little", 1 << 20, "").is_ok());
        for needed in [1 << 47, 1 << 60, u64::MAX] {
            let error = check("a run", needed, "run fewer trials").unwrap_err();
            assert!(matches!(error, Error::Memory { needed: n, available, .. } if n == needed && available < 1 << 47));
            assert!(error.to_string().ends_with("run fewer trials"), "{error}");
        }
    }

    #[cfg(feature = "torch")]
    #[test]
    fn the_largest_are_taken_together() {
        let needs = [1 << 20, available() / 5 * 3, available() / 5 * 3, 1 << 60];
        assert!(check_together(needs, 1).is_ok() && check_together(needs[..2].to_vec(), 2).is_ok());
        let error = check_together(needs, 2).unwrap_err().to_string();
        assert!(error.contains("training 2 networks at the same time") && error.contains("threads"), "{error}");
    }

    #[test]
    fn reports_of_the_system_are_read() {
        let limits = "Limit     Soft Limit  Hard Limit  Units\nMax address space         4294967296           unlimited            bytes\n";
        assert_eq!(limit_of_addresses(limits), Some(4 << 30));
        assert_eq!(
            limit_of_addresses("Max address space         unlimited            unlimited            bytes\n"),
            None
        );
        assert_eq!(kib("MemTotal: 9 kB\nMemAvailable:   2048 kB\n", "MemAvailable:"), Some(2 << 20));
        assert_eq!(kib("MemTotal: 9 kB\n", "MemAvailable:"), None);
        let group = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(group.path().join(name), text).unwrap();
        write("memory.max", "max\n");
        write("memory.current", "900\n");
        assert_eq!(left_in(group.path(), "memory.max", "memory.current"), None);
        write("memory.max", "1000\n");
        assert_eq!(left_in(group.path(), "memory.max", "memory.current"), Some(100));
        write("memory.stat", "anon 1\nactive_file 50\ninactive_file 250\n");
        assert_eq!(left_in(group.path(), "memory.max", "memory.current"), Some(400));
    }
}
