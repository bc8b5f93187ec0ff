//! Where a container listens for others.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// TCP_LISTEN
/// (<https://github.com/torvalds/linux/blob/v6.18/include/net/tcp_states.h>).
const LISTENING: &str = "0A";
/// TCP_CLOSE: a UDP socket that is bound, and connected to nobody.
const UNCONNECTED: &str = "07";

/// `table`: /proc/PID/net/tcp, tcp6, udp or udp6. Addresses that only the container itself reaches
/// are left out
/// (<https://github.com/torvalds/linux/blob/v6.18/Documentation/networking/proc_net_tcp.rst>).
pub fn listening(table: &str) -> BTreeSet<SocketAddr> {
    let lines = table.lines().skip(1);
    let addresses = lines.filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
        let is_open = matches!(state, LISTENING | UNCONNECTED);
        is_open.then(|| address(local)).flatten()
    });
    addresses
        .filter(|address| address.port() != 0 && !address.ip().to_canonical().is_loopback())
        .collect()
}

/// `0100007F:1F90`: words as this machine has them in memory, and a port as people write it.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words = ip.as_bytes().chunks(8).map(|word| {
        let word = std::str::from_utf8(word)
            .ok()
            .filter(|word| word.len() == 8)?;
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    });
    let words = words.collect::<Option<Vec<_>>>()?;
    let ip: IpAddr = match words.as_slice() {
        [v4] => (*v4).into(),
        [_, _, _, _] => Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::listening;

    fn told(table: &str) -> Vec<String> {
        listening(table).iter().map(ToString::to_string).collect()
    }

    /// Of a little-endian machine.
    #[cfg(target_endian = "little")]
    #[test]
    fn what_others_reach_is_told() {
        let tcp =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000
   1: 0B00007F:A2C9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   2: 020011AC:1F90 010011AC:D2F0 06 00000000:00000000 03:00000F8B 00000000     0\n";
        assert_eq!(told(tcp), ["0.0.0.0:8080"]);
        let tcp6 =
            "  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:18EB 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A\n";
        assert_eq!(told(tcp6), ["[::]:6379"]);
        let udp = "   sl  local_address rem_address   st
  112: 020011AC:0035 00000000:0000 07
  113: 020011AC:9C40 08080808:0035 01\n";
        assert_eq!(told(udp), ["172.17.0.2:53"]);
    }

    #[test]
    fn what_is_no_table_tells_nothing() {
        assert!(told("").is_empty());
        assert!(told("head\n0: zz:1 00000000:0000 0A\n1: 00:1 0:0 0A\n2:").is_empty());
    }
}
