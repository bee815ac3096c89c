//! Nobody is condemned because this node did not run. To advance the time of a paused clock at once is such a hold-up: no
//! task runs meanwhile.

use tokio::task::yield_now;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn ping_due() -> Duration {
    Timing::default().interval
}

async fn read_ping(peer: &mut DuplexStream) {
    let mut framed = [0; 13];
    peer.read_exact(&mut framed).await.unwrap();
    assert!(matches!(super::read(&framed[4..]), Frame::Ping(_)));
}

async fn be_held_up(time: Duration) {
    advance(time).await;
    for _ in 0..100 {
        yield_now().await;
    }
}

//= spec/connection.md#con-hbt-010
//= type=test
//# A node MUST end a session `heartbeat_timeout` after the transport took the PING of CON-HBT-001 if no byte
//# has arrived since that PING was queued.
#[tokio::test(start_paused = true)]
async fn a_peer_that_was_not_asked_in_time_is_asked_before_it_is_given_up() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 10);
    let talking = async {
        be_held_up(HOUR).await;
        read_ping(&mut peer).await;
        sleep(Timing::default().timeout.checked_sub(Duration::from_millis(10)).unwrap()).await;
        peer.write_all(&pong()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    };
    tokio::select! {
        ending = end.run(stream) => panic!("{ending}"),
        () = talking => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_was_asked_before_a_hold_up_has_its_time_after_it() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 10);
    let talking = async {
        sleep(ping_due()).await;
        read_ping(&mut peer).await;
        for _ in 0..3 {
            sleep(Duration::from_secs(4)).await;
            be_held_up(HOUR).await;
        }
        peer.write_all(&pong()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    };
    tokio::select! {
        ending = end.run(stream) => panic!("{ending}"),
        () = talking => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_whose_connection_takes_no_ping_is_stuck_and_not_silent() {
    let end = End::new();
    let stub = Stub { reads_max: 0, taking: Arc::default(), bytes_taken: 0 };
    assert_eq!(end.run(stub).await, Ending::Stuck);
    let waited = end.clock.now() - ping_due();
    assert!(waited >= DRAIN_DEADLINE && waited < DRAIN_DEADLINE + Duration::from_secs(1), "{waited:?}");
    assert!(Timing::default().timeout < DRAIN_DEADLINE);
}

/// TLS has the PING, the connection does not: the peer cannot have heard it.
#[tokio::test(start_paused = true)]
async fn a_ping_that_tls_holds_back_is_not_taken() {
    let end = End::new();
    assert_eq!(end.run(HoldsBack { bytes_taken: Arc::default() }).await, Ending::Stuck);
    assert!(end.clock.now() >= ping_due() + DRAIN_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_took_nothing_while_the_node_was_held_up_is_not_stuck() {
    let end = End::new();
    let taking = Arc::new(AtomicBool::new(false));
    end.session.send(&by(1), 1, b"taken late").wake().unwrap();
    let mut running = end.driver(Stub { reads_max: 0, taking: taking.clone(), bytes_taken: 0 });
    for time in [Duration::ZERO, 2 * DRAIN_DEADLINE, HOUR] {
        advance(time).await;
        let turns = poll_fn(|cx| running.turn(cx));
        assert!(timeout(Duration::from_secs(9), turns).await.is_err());
    }
    let Over = poll_fn(|cx| running.turn(cx)).await;
    assert_eq!(end.ending(), Ending::Stuck);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_closed_waits_for_its_peer_as_long_as_the_node_runs() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 20);
    let (_, told) = end.receiver(1);
    end.stop(Close::SHUTDOWN, Duration::from_secs(5));
    let talking = async {
        sleep(Duration::from_secs(1)).await;
        be_held_up(HOUR).await;
        sleep(Duration::from_secs(3)).await;
        peer.write_all(&message(3)).await.unwrap();
        sleep(Duration::from_secs(1) / 2).await;
        drop(peer);
    };
    let (ending, ()) = tokio::join!(end.run(stream), talking);
    assert_eq!(ending, Ending::Stopped);
    assert_eq!(told.await.unwrap(), [3]);
}
