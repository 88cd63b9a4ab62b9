//! Tools of the tests that attack a server: what it uses, and whether others are still answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::metrics::value;
use crate::process::{Database, Engine, Server, command};
use crate::raw_call;
use crate::wire::{CREATE, GRPC, account};

/// How long a bystander may wait for an answer, on a machine that is busy with other tests.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// How long the server may need to notice what has happened.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// A server under attack.
pub struct Attacked {
    pub server: Server,
    _database: Database,
}

impl Attacked {
    /// Starts a server with limits, each an environment variable and its value.
    pub fn start(limits: &[(&str, &str)]) -> Self {
        Self::start_by(limits, |command| command)
    }

    /// The same, started by a changed command.
    pub fn start_by(
        limits: &[(&str, &str)],
        change: impl FnOnce(std::process::Command) -> std::process::Command,
    ) -> Self {
        let database = Database::create(Engine::Sqlite);
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--database",
            &database.url,
        ];
        let mut command = command(&arguments);
        command.envs(limits.iter().copied());
        command.env("RUST_LOG", "error");
        Self {
            server: Server::spawn(change(command), true),
            _database: database,
        }
    }

    /// A field of `/proc/PID/status`, in KiB.
    fn status_kib(&self, field: &str) -> usize {
        let path = format!("/proc/{}/status", self.server.child.id());
        let text = std::fs::read_to_string(path).expect("a running process");
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let value = line.expect(field).trim_start_matches(':');
        value.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// The memory that the process has in RAM, in MiB.
    pub fn memory_mib(&self) -> usize {
        self.status_kib("VmRSS") >> 10
    }

    /// The highest such memory so far.
    pub fn peak_memory_mib(&self) -> usize {
        self.status_kib("VmHWM") >> 10
    }

    /// The open files of the process.
    pub fn files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.server.child.id());
        std::fs::read_dir(path).expect("a running process").count()
    }

    /// The processor time that the process has used.
    pub fn processor_time(&self) -> Duration {
        let seconds = value(&self.server, "process_cpu_seconds_total");
        Duration::from_secs_f64(seconds.expect("a value"))
    }

    /// The value of a counter or gauge; 0 if it is not listed.
    pub fn metric(&self, series: &str) -> f64 {
        value(&self.server, series).unwrap_or_default()
    }

    /// That a new connection gets answers, of health and of a write.
    pub async fn serves_others(&self) {
        let begun = Instant::now();
        // On a machine that is busy with other tests, a debug build may lag behind its database.
        let health = async {
            let mut health = HealthClient::new(self.server.channel().await);
            loop {
                let answer = health.check(HealthCheckRequest::default()).await;
                let status = answer.expect("health is answered").into_inner().status();
                if status == ServingStatus::Serving {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let health = tokio::time::timeout(ANSWERED_WITHIN, health).await;
        health.expect("SERVING in time");
        let mut accounts = self.server.connect().await.accounts;
        let call = accounts.create_account(roster_api::v1::CreateAccountRequest {
            account: Some(roster_api::v1::Account {
                name: "bystander".into(),
                ..Default::default()
            }),
            ..Default::default()
        });
        let answer = tokio::time::timeout(ANSWERED_WITHIN, call).await;
        answer.expect("an answer in time").expect("an account");
        println!("others were answered within {:?}", begun.elapsed());
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < NOTICED_WITHIN, "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A connection that speaks HTTP/2 as the test wants.
    pub async fn connect(&self) -> Hostile {
        Hostile::connect(&self.server.address, h2::client::Builder::new()).await
    }
}

/// A connection of an attacker.
pub struct Hostile {
    pub client: SendRequest<Bytes>,
    pub connection: tokio::task::JoinHandle<Result<(), h2::Error>>,
    address: String,
}

/// A call of an attacker.
pub struct HostileCall {
    pub answer: ResponseFuture,
    pub sending: SendStream<Bytes>,
}

impl Hostile {
    pub async fn connect(address: &str, mut builder: h2::client::Builder) -> Self {
        let stream = tokio::net::TcpStream::connect(address).await;
        builder.initial_max_send_streams(4_096);
        let shaken = builder.handshake(stream.expect("a connection")).await;
        let (client, connection) = shaken.expect("HTTP/2");
        Self {
            client,
            connection: tokio::spawn(connection),
            address: address.to_owned(),
        }
    }

    /// Begins a call of a method: sends its headers.
    pub async fn begin(&mut self, method: &str) -> HostileCall {
        let uri = format!("http://{}{method}", self.address);
        let request = http::Request::post(uri).header(GRPC.0, GRPC.1);
        let request = request.body(()).expect("a request");
        let mut client = self.client.clone().ready().await.expect("room for a call");
        let (answer, sending) = client.send_request(request, false).expect("a call");
        HostileCall { answer, sending }
    }
}

impl HostileCall {
    /// The answer, which is only a status.
    pub async fn status(self) -> Status {
        let answer = tokio::time::timeout(NOTICED_WITHIN, self.answer).await;
        let answer = answer.expect("an answer in time").expect("an answer");
        Status::from_header_map(answer.headers()).expect("only a status")
    }

    /// The body of an answer that has begun.
    pub async fn body(self) -> RecvStream {
        let answer = tokio::time::timeout(NOTICED_WITHIN, self.answer).await;
        answer
            .expect("an answer in time")
            .expect("an answer")
            .into_body()
    }
}

/// A call that is sent as a whole: its status.
pub async fn whole_call(server: &Server) -> Status {
    raw_call::http(&server.address, CREATE, &[GRPC], account("A")).await
}
