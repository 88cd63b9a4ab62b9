//! The command over TLS, and where a token may come from and go to.

use roster_testkit::certificates::Authority;

use crate::world::{World, key};

#[test]
fn a_server_is_called_over_tls_with_an_authority_and_a_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::default();
    let (server, client) = (
        authority.server(),
        authority.client(&[], &["billing.example"]),
    );
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let ca = put("ca.pem", &authority.certificate());
    let options = [
        "--tls-cert",
        &put("server.pem", &server.certificate),
        "--tls-key",
        &put("server.key", &server.key),
        "--client-ca",
        &ca,
        "--require-client-cert",
    ];
    put("client.pem", &client.certificate);
    put("client.key", &client.key);
    let token = key(folder.path());
    put("token", &format!("{token}\n"));
    let options: Vec<_> = options.iter().map(ToString::to_string).collect();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let world = World::start_with(folder, &options);

    let certified = [
        "--ca",
        "ca.pem",
        "--cert",
        "client.pem",
        "--key",
        "client.key",
    ];
    let with = |more: &[&'static str]| [&certified[..], more].concat();
    world.ok(&with(&["accounts", "create", "A"]));
    world.ok(&with(&["--token-file", "token", "accounts", "list"]));
    let by_environment = world
        .command(&["accounts", "list"])
        .envs([("ROSTER_CA", "ca.pem"), ("ROSTER_CERT", "client.pem")])
        .envs([("ROSTER_KEY", "client.key"), ("ROSTER_TOKEN", &token)])
        .output();
    assert!(by_environment.expect("it runs").status.success());

    let said = world.fails(4, &["accounts", "list"]);
    assert!(said.contains("UnknownIssuer"), "{said}");
    world.fails(4, &["--ca", "ca.pem", "accounts", "list"]);
    let said = world.fails(
        2,
        &["--ca", "ca.pem", "--cert", "client.pem", "accounts", "list"],
    );
    assert!(said.contains("--cert and --key together"), "{said}");
    let said = world.fails(2, &["--ca", "missing.pem", "accounts", "list"]);
    assert!(said.contains("missing.pem"), "{said}");
}

#[test]
fn a_token_is_never_an_argument_never_shown_and_not_sent_in_clear() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = key(folder.path());
    let world = World::start_with(folder, &[]);
    std::fs::write(world.folder.path().join("token"), &token).expect("a file");
    let list = |more: &[&str]| {
        let ran = world
            .command(&[&["accounts", "list"], more].concat())
            .env("ROSTER_TOKEN", &token)
            .output();
        let ran: crate::world::Ran = ran.expect("it runs").into();
        assert!(!format!("{ran:?}").contains(&token), "{ran:?}");
        ran
    };
    assert_eq!(list(&[]).code, 0, "loopback");
    let away = ["--server", "http://roster.example:7400"];
    let refused = list(&away);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("https"), "{refused:?}");
    let wanted = list(&[&away[..], &["--token-in-clear"]].concat());
    assert_eq!(wanted.code, 4, "there is no such server");
    let twice = list(&["--token-file", "token"]);
    assert_eq!((twice.code, twice.err.contains("two tokens")), (2, true));
    world.fails(2, &["--token", "rst_s3cret", "accounts", "list"]);
    std::fs::write(world.folder.path().join("token"), "s3cret of two words").expect("a file");
    let said = world.fails(2, &["--token-file", "token", "accounts", "list"]);
    assert!(!said.contains("s3cret") && said.contains("token"), "{said}");
}
