//! The connections that are open, by address, and those that have not said anything yet.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::AbortHandle;

/// The part of an IPv6 address that identifies a customer of a network: it may use all addresses
/// behind it.
const PREFIX_V6: u128 = !0 << 64;

/// Open connections, with limits.
#[derive(Debug)]
pub(super) struct Sockets {
    max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Handshakes, the oldest first, with those that have ended.
    handshakes: VecDeque<(IpAddr, AbortHandle)>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All connections are in use.
    All,
    /// The connections of this address are in use.
    Address,
}

impl Sockets {
    pub(super) fn new(max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            per_address_max,
            open: Mutex::default(),
        })
    }

    /// Admits a connection. If there is no room, the oldest handshake makes room: a peer that means
    /// to call speaks at once, so that silent peers keep nobody out. The flag says whether one did.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<(Socket, bool), Full> {
        let address = network(address);
        let mut open = self.open.lock();
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        let full = if of_address >= self.per_address_max {
            Some(Full::Address)
        } else if open.total >= self.max {
            Some(Full::All)
        } else {
            None
        };
        let made_room = match full {
            None => false,
            Some(full) => {
                let of = (full == Full::Address).then_some(address);
                if !open.end_oldest_handshake(of) {
                    return Err(full);
                }
                true
            }
        };
        open.total += 1;
        *open.by_address.entry(address).or_default() += 1;
        let socket = Socket {
            sockets: Arc::clone(self),
            address,
        };
        Ok((socket, made_room))
    }

    /// Records a handshake.
    pub(super) fn begun(&self, address: IpAddr, handshake: AbortHandle) {
        let handshakes = &mut self.open.lock().handshakes;
        while handshakes.front().is_some_and(|(_, h)| h.is_finished()) {
            handshakes.pop_front();
        }
        handshakes.push_back((network(address), handshake));
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.lock().total
    }
}

impl Open {
    /// Ends the oldest handshake (of an address) that has not ended, if any.
    fn end_oldest_handshake(&mut self, address: Option<IpAddr>) -> bool {
        let oldest = self.handshakes.iter().position(|(of, handshake)| {
            !handshake.is_finished() && address.is_none_or(|address| address == *of)
        });
        let Some((_, handshake)) = oldest.and_then(|place| self.handshakes.remove(place)) else {
            return false;
        };
        handshake.abort();
        true
    }
}

/// An address, or the network of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & PREFIX_V6).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    sockets: Arc<Sockets>,
    address: IpAddr,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut open = self.sockets.open.lock();
        open.total -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn admitted(sockets: &Arc<Sockets>, from: &str) -> Result<Socket, Full> {
        sockets.admit(address(from)).map(|(socket, _)| socket)
    }

    #[test]
    fn the_connection_after_the_last_is_refused_until_a_connection_ends() {
        let sockets = Sockets::new(3, 2);
        let first = admitted(&sockets, "10.0.0.1").expect("the first");
        let _second = admitted(&sockets, "10.0.0.1").expect("the second");
        assert_eq!(admitted(&sockets, "10.0.0.1").err(), Some(Full::Address));
        let mapped = admitted(&sockets, "::ffff:10.0.0.1");
        assert_eq!(mapped.err(), Some(Full::Address));
        let _third = admitted(&sockets, "10.0.0.2").expect("of another address");
        assert_eq!(admitted(&sockets, "10.0.0.3").err(), Some(Full::All));
        drop(first);
        let _fourth = admitted(&sockets, "10.0.0.3").expect("there is room again");
        assert_eq!(sockets.open(), 3);
        assert_eq!(sockets.open.lock().by_address.len(), 3);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_together() {
        let sockets = Sockets::new(9, 1);
        let _first = admitted(&sockets, "2001:db8:0:1::1").expect("the first");
        assert!(admitted(&sockets, "2001:db8:0:1:ffff::2").is_err());
        assert!(admitted(&sockets, "2001:db8:0:2::1").is_ok());
    }

    #[tokio::test]
    async fn silent_peers_make_room_the_oldest_first() {
        let sockets = Sockets::new(2, 2);
        let mut silent = Vec::new();
        for _ in 0..2 {
            let (socket, made_room) = sockets.admit(address("10.0.0.1")).expect("room");
            assert!(!made_room);
            let handshake = tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(socket);
            });
            sockets.begun(address("10.0.0.1"), handshake.abort_handle());
            silent.push(handshake);
        }
        let (_new, made_room) = sockets.admit(address("10.0.0.2")).expect("room");
        assert!(made_room);
        assert!(
            silent
                .remove(0)
                .await
                .expect_err("it was ended")
                .is_cancelled()
        );
        assert!(!silent[0].is_finished());
        assert_eq!(sockets.open(), 2);
    }
}
