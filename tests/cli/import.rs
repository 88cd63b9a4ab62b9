//! Importing a spreadsheet: the summary, the rejects beside the file, the exit code.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use crate::world::{Ran, World};

/// A copy of a sample file in the test's folder, where rejects may be written.
fn sample(world: &World, name: &str) -> String {
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    fs::copy(from.join(name), world.folder.path().join(name)).expect("a sample");
    name.to_owned()
}

fn written(world: &World, name: &str, text: &str) -> String {
    fs::write(world.folder.path().join(name), text).expect("a file");
    name.to_owned()
}

/// The value of a line of a summary.
#[track_caller]
fn value(ran: &Ran, name: &str) -> String {
    let mut lines = ran.out.lines().filter_map(|line| line.split_once('\t'));
    let found = lines.find(|(key, _)| *key == name);
    found
        .unwrap_or_else(|| panic!("{name}: {ran:?}"))
        .1
        .to_owned()
}

#[test]
fn every_kind_goes_in_and_the_same_file_again_changes_nothing() {
    let world = World::start();
    world.ok(&["settings", "set", "multiple_accounts=true"]);
    for (kind, file, rows) in [
        ("accounts", "accounts.xls", "100"),
        ("contacts", "contacts.csv", "600"),
        ("associations", "associations.xlsx", "731"),
        ("tickets", "tickets.sjis.csv", "3000"),
    ] {
        let file = sample(&world, file);
        let first = world.run(&["import", kind, &file]);
        assert_eq!(first.code, 0, "{first:?}");
        assert_eq!(value(&first, "rows"), rows);
        assert_eq!(value(&first, "created"), rows, "{first:?}");
        let second = world.run(&["import", kind, &file]);
        assert_eq!(second.code, 0, "{second:?}");
        assert_eq!(value(&second, "unchanged"), rows, "{second:?}");
    }
    assert!(
        world
            .ok(&["accounts", "show", "D0001"])
            .contains("がじゅまる薬品")
    );
    let rejects = fs::read_dir(world.folder.path()).unwrap();
    let names = rejects.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains("rejects")));
}

#[test]
fn rejected_rows_stand_beside_the_file_and_an_older_such_file_is_not_overwritten() {
    let world = World::start();
    world.ok(&["import", "accounts", &sample(&world, "accounts.csv")]);
    world.ok(&["import", "contacts", &sample(&world, "contacts.csv")]);
    let file = sample(&world, "contacts-with-mistakes.csv");
    let ran = world.run(&["import", "contacts", &file]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(
        (value(&ran, "created"), value(&ran, "rejected")),
        ("24".into(), "6".into())
    );
    assert!(
        ran.err
            .contains("rejected rows: contacts-with-mistakes.rejects.csv"),
        "{ran:?}"
    );
    let rejects = world
        .folder
        .path()
        .join("contacts-with-mistakes.rejects.csv");
    let text = fs::read_to_string(&rejects).unwrap();
    assert!(text.starts_with("\u{feff}社員番号,"), "{text}");
    assert!(
        text.lines().next().unwrap().ends_with("Row,Column,Reason"),
        "{text}"
    );
    assert!(text.contains("D9999"), "{text}");

    fs::write(&rejects, "corrected by hand").unwrap();
    let refused = world.fails(5, &["import", "contacts", &file]);
    assert!(
        refused.contains("already exists") && refused.contains("--force"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&rejects).unwrap(), "corrected by hand");
    assert_eq!(world.run(&["import", "contacts", &file, "--force"]).code, 3);
    assert_eq!(fs::read_to_string(&rejects).unwrap(), text);
}

#[test]
fn rejects_that_cannot_be_written_are_reported_before_a_row_is_imported() {
    let world = World::start();
    let file = sample(&world, "contacts-with-mistakes.csv");
    let text = fs::read_to_string(world.folder.path().join(&file)).unwrap();
    for more in [&["--rejects", &file][..], &["--rejects", &file, "--force"]] {
        let refused = world.fails(2, &[&["import", "contacts", &file], more].concat());
        assert!(refused.contains("is the imported file itself"), "{refused}");
    }
    let nowhere = ["import", "contacts", &file, "--rejects", "nowhere/r.csv"];
    let refused = world.fails(5, &nowhere);
    assert!(refused.contains("nowhere/r.csv"), "{refused}");
    assert_eq!(
        fs::read_to_string(world.folder.path().join(&file)).unwrap(),
        text
    );
    assert!(
        !world.ok(&["contacts", "list"]).contains("c1"),
        "no row went in"
    );
}

/// A command that reads this from its standard input.
fn fed(world: &World, input: &[u8], args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let ran = child.wait_with_output().unwrap().into();
    match feeding.join().unwrap() {
        // A command that fails early does not read its input.
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    ran
}

#[test]
fn standard_input_is_imported_and_its_rejects_go_to_the_given_path() {
    let world = World::start();
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let workbook = fs::read(data.join("accounts.xlsx")).unwrap();
    let ran = fed(&world, &workbook, &["import", "accounts", "-"]);
    assert_eq!(
        (ran.code, value(&ran, "created")),
        (0, "100".into()),
        "{ran:?}"
    );
    let rows = "取引先コード,取引先名\nD9001,\nD9000,新しい商会\n".as_bytes();
    for name in ["-", "/dev/stdin"] {
        let ran = fed(&world, rows, &["import", "accounts", name]);
        assert_eq!(
            (ran.code, value(&ran, "rejected")),
            (3, "1".into()),
            "{ran:?}"
        );
        let advice = "1 rejected row not written: import it again with --rejects PATH";
        assert!(ran.err.contains(advice), "{ran:?}");
    }
    let ran = fed(
        &world,
        rows,
        &["import", "accounts", "-", "--rejects", "again.csv"],
    );
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("rejected rows: again.csv"), "{ran:?}");
    let rejects = fs::read_to_string(world.folder.path().join("again.csv")).unwrap();
    assert!(rejects.contains("D9001"), "{rejects}");
    let again = ["import", "accounts", "-", "--rejects", "again.csv"];
    assert_eq!(fed(&world, rows, &again).code, 5);
    let names = fs::read_dir(world.folder.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains("rejects")));
    assert!(!PathBuf::from("/dev/stdin.rejects.csv").exists());
}

#[test]
fn a_file_that_cannot_be_read_so_is_refused_before_any_row() {
    let world = World::start();
    let file = sample(&world, "accounts.sjis.csv");
    let refused = world.fails(1, &["import", "accounts", &file, "--encoding", "utf8"]);
    assert!(
        refused.contains("FILE_ENCODING (INVALID_ARGUMENT)"),
        "{refused}"
    );
    assert!(
        refused.contains("try: --encoding utf8 or shift-jis"),
        "{refused}"
    );
    assert_eq!(world.ok(&["accounts", "list"]).lines().count(), 1);
    world.ok(&[
        "import",
        "accounts",
        &file,
        "--encoding",
        "shift-jis",
        "--format",
        "csv",
    ]);
    let missing = world.fails(5, &["import", "accounts", "nowhere.csv"]);
    assert!(missing.starts_with("error: nowhere.csv: "), "{missing}");
    // It opens and cannot be read: what was sent until then is no whole file.
    fs::create_dir(world.folder.path().join("folder")).unwrap();
    let broken = world.fails(5, &["import", "accounts", "folder"]);
    assert!(broken.starts_with("error: folder: "), "{broken}");
}

#[test]
fn a_mapping_says_what_headers_do_not_and_ignored_columns_are_named() {
    let world = World::start();
    let file = written(
        &world,
        "odd.csv",
        "屋号,メモ,顧客コード\n山田商店,常連,D1\n",
    );
    let refused = world.fails(
        1,
        &["import", "accounts", &file, "--map", "無い=account.name"],
    );
    assert!(refused.contains("HEADER_UNUSABLE"), "{refused}");
    let ran = world.run(&["import", "accounts", &file, "--map", "屋号=account.name"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let columns = value(&ran, "columns");
    assert_eq!(
        columns,
        "屋号 = account.name, 顧客コード = account.external_id"
    );
    assert_eq!(value(&ran, "ignored columns"), "メモ");
    assert!(
        world
            .ok(&["accounts", "show", "D1"])
            .contains("name\t山田商店\n")
    );
}

#[test]
fn missing_accounts_are_created_when_asked() {
    let world = World::start();
    let file = written(
        &world,
        "people.csv",
        "姓,メール,会社名\n田中,t@example.jp,山田商店\n",
    );
    let ran = world.run(&["import", "contacts", &file]);
    assert_eq!(
        (ran.code, value(&ran, "rejected")),
        (3, "1".into()),
        "{ran:?}"
    );
    let ran = world.run(&["import", "contacts", &file, "--create-missing", "--force"]);
    assert_eq!(
        (ran.code, value(&ran, "accounts created")),
        (0, "1".into()),
        "{ran:?}"
    );
    assert!(
        world
            .ok(&["contacts", "accounts", "t@example.jp"])
            .contains("山田商店\tprimary")
    );
}

#[test]
fn with_json_the_import_is_printed_as_it_ended() {
    let world = World::start();
    let file = sample(&world, "accounts.csv");
    let printed = world.json(&["import", "accounts", &file]);
    assert_eq!(printed.len(), 1);
    assert_eq!(printed[0]["state"], "IMPORT_STATE_COMPLETED");
    assert_eq!(printed[0]["rows_created"], "100");
}

#[test]
fn at_a_terminal_a_bar_moves_and_the_summary_stays() {
    let world = World::start();
    let file = sample(&world, "accounts.csv");
    let path = world.folder.path().join(file);
    let ran = world.at_a_terminal("", &["import", "accounts", path.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("100 of 100 rows"), "{}", ran.out);
    assert!(ran.out.contains("created    100\n"), "{}", ran.out);
}
