"""Another language speaks to a real server: stubs from proto/, calls, errors, reflection.

    python3 roster_test.py --server target/debug/roster-server --database sqlite:/tmp/x.db

Needs the packages of requirements.txt. Ends with a line "N passed, N failed".
"""

import argparse
import importlib
import pathlib
import subprocess
import sys
import tempfile
import unittest

import grpc
import trustme
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"
SERVICES = [
    "account",
    "association",
    "contact",
    "import",
    "settings",
    "ticket",
    "visibility",
]


def generate_stubs(folder):
    """Compiles proto/roster/v1 for Python; google.rpc comes with a package of its own."""
    files = sorted(str(file) for file in (PROTO / "roster" / "v1").glob("*.proto"))
    includes = [f"-I{PROTO}", f"-I{pathlib.Path(protoc.__file__).parent / '_proto'}"]
    outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(["protoc", *includes, *outputs, *files]) != 0:
        sys.exit("the API cannot be compiled for Python")
    sys.path.insert(0, folder)


class Server:
    """The real binary, on a free port."""

    def __init__(self, binary, database, *options):
        self.process = subprocess.Popen(
            [binary, "--listen", "127.0.0.1:0", "--database", database, *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        words = [word for word in line.split() if word.startswith("127.0.0.1:")]
        if not words:
            sys.exit(f"the server does not say where it listens: {line!r}")
        self.address = words[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()


class RosterTest(unittest.TestCase):
    """Each test has an organization of its own on one server."""

    address = ""
    binary = ""

    def setUp(self):
        self.channel = grpc.insecure_channel(self.address)
        self.addCleanup(self.channel.close)
        name = self._testMethodName.replace("_", "-")[-63:].strip("-")
        self.metadata = [("roster-organization", name)]
        for service in SERVICES:
            messages = importlib.import_module(f"roster.v1.{service}_service_pb2")
            stubs = importlib.import_module(f"roster.v1.{service}_service_pb2_grpc")
            stub = getattr(stubs, f"{service.title()}ServiceStub")
            # import is a word of the language.
            setattr(self, "imports" if service == "import" else service, messages)
            setattr(self, f"{service}_stub", stub(self.channel))

    def call(self, method, request):
        return method(request, metadata=self.metadata, timeout=30)

    def new_account(self, **fields):
        account = self.account.Account(**fields)
        request = self.account.CreateAccountRequest(account=account)
        return self.call(self.account_stub.CreateAccount, request).account

    def new_contact(self, **fields):
        contact = self.contact.Contact(**fields)
        request = self.contact.CreateContactRequest(contact=contact)
        return self.call(self.contact_stub.CreateContact, request).contact

    def associate(self, account_id, *contact_ids, **fields):
        to_associate = self.association.ContactToAssociate
        request = self.association.AssociateContactsRequest(
            account_id=account_id,
            contacts=[to_associate(contact_id=id, **fields) for id in contact_ids],
        )
        return self.call(self.association_stub.AssociateContacts, request).results

    def record(self, **fields):
        record = self.ticket.TicketRecord(**fields)
        request = self.ticket.RecordTicketsRequest(tickets=[record])
        return self.call(self.ticket_stub.RecordTickets, request).results[0]

    def check(self, contact_id, ticket_id):
        request = self.visibility.CheckTicketRequest(
            contact_id=contact_id, ticket_id=ticket_id
        )
        return self.call(self.visibility_stub.CheckTicket, request)

    def refusal(self, method, request):
        """The code of a call that is refused, with the details of its error by type."""
        with self.assertRaises(grpc.RpcError) as refused:
            self.call(method, request)
        status = rpc_status.from_call(refused.exception)
        details = {}
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
            for packed in status.details:
                if packed.Is(kind.DESCRIPTOR):
                    details[kind] = kind.FromString(packed.value)
        return refused.exception.code(), details

    def test_what_was_created_is_read_and_listed(self):
        made = self.new_account(name="株式会社山田", attributes={"plan": "gold"})
        self.assertRegex(made.id, "^a[0-9]+$")
        request = self.account.GetAccountRequest(id=made.id)
        self.assertEqual(self.call(self.account_stub.GetAccount, request).account, made)
        names = [f"会社{number}" for number in range(5)]
        for name in names:
            self.new_account(name=name)
        listed, token = [], ""
        while True:
            request = self.account.ListAccountsRequest(
                query="会社", page_size=2, page_token=token
            )
            page = self.call(self.account_stub.ListAccounts, request)
            listed += [account.name for account in page.accounts]
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(sorted(listed), sorted([*names, "株式会社山田"]))

    def test_a_colleague_sees_a_ticket_once_its_association_is_marked(self):
        account = self.new_account(name="A").id
        requester = self.new_contact(family_name="田中").id
        colleague = self.new_contact(family_name="鈴木").id
        results = self.associate(account, requester, colleague)
        created = self.association.ASSOCIATE_OUTCOME_CREATED
        self.assertEqual([result.outcome for result in results], [created, created])
        self.assertFalse(results[1].association.sees_account_tickets)

        recorded = self.record(id="T-1", requester_id=requester, subject="印刷できない")
        self.assertTrue(recorded.account_filled_in)
        self.assertEqual(recorded.ticket.account_id, account)
        self.assertEqual(
            self.check(colleague, "T-1").visibility, self.visibility.VISIBILITY_HIDDEN
        )

        update = self.association.UpdateAssociationRequest(
            association=self.association.Association(
                account_id=account, contact_id=colleague, sees_account_tickets=True
            )
        )
        update.update_mask.paths.append("sees_account_tickets")
        self.call(self.association_stub.UpdateAssociation, update)
        seen = self.check(colleague, "T-1")
        self.assertEqual(seen.visibility, self.visibility.VISIBILITY_VISIBLE)
        self.assertEqual(
            [(ground.kind, ground.account_id) for ground in seen.grounds],
            [(self.visibility.GROUND_KIND_ACCOUNT, account)],
        )
        request = self.visibility.ListVisibleTicketsRequest(contact_id=colleague)
        visible = self.call(self.visibility_stub.ListVisibleTickets, request)
        self.assertEqual([item.ticket.id for item in visible.tickets], ["T-1"])
        request = self.visibility.ListTicketViewersRequest(ticket_id="T-1")
        viewers = self.call(self.visibility_stub.ListTicketViewers, request).viewers
        self.assertEqual([viewer.contact_id for viewer in viewers], [requester, colleague])

    def test_explain_says_of_each_clause_whether_it_holds_and_why(self):
        account = self.new_account(name="A").id
        requester = self.new_contact(family_name="田中").id
        colleague = self.new_contact(family_name="鈴木").id
        self.associate(account, requester, colleague)
        self.record(id="T-1", requester_id=requester)
        request = self.visibility.ExplainTicketRequest(
            contact_id=colleague, ticket_id="T-1"
        )
        answer = self.call(self.visibility_stub.ExplainTicket, request)
        self.assertEqual(answer.visibility, self.visibility.VISIBILITY_HIDDEN)
        self.assertEqual(
            [(clause.holds, clause.reason) for clause in answer.clauses],
            [
                (False, self.visibility.CLAUSE_REASON_NOT_REQUESTER),
                (False, self.visibility.CLAUSE_REASON_NOT_IN_COPY),
                (False, self.visibility.CLAUSE_REASON_NOT_GRANTED),
            ],
        )

    def test_a_refusal_carries_its_reason_metadata_and_field(self):
        request = self.account.CreateAccountRequest(
            account=self.account.Account(name="あ" * 201)
        )
        code, details = self.refusal(self.account_stub.CreateAccount, request)
        self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
        info = details[error_details_pb2.ErrorInfo]
        self.assertEqual((info.reason, info.domain), ("TEXT_TOO_LONG", "roster.v1"))
        self.assertEqual((info.metadata["found"], info.metadata["max"]), ("201", "200"))
        violations = details[error_details_pb2.BadRequest].field_violations
        self.assertEqual(violations[0].field, "account.name")

        request = self.account.GetAccountRequest(id="a999")
        code, details = self.refusal(self.account_stub.GetAccount, request)
        self.assertEqual(code, grpc.StatusCode.NOT_FOUND)
        info = details[error_details_pb2.ErrorInfo]
        self.assertEqual(info.reason, "ACCOUNT_NOT_FOUND")
        self.assertEqual(info.metadata["account_id"], "a999")

    def test_the_error_of_an_item_carries_its_reason_too(self):
        account = self.new_account(name="A").id
        (result,) = self.associate(account, "c999")
        self.assertEqual(result.error.code, grpc.StatusCode.NOT_FOUND.value[0])
        info = error_details_pb2.ErrorInfo()
        self.assertTrue(result.error.details[0].Unpack(info))
        self.assertEqual(info.reason, "CONTACT_NOT_FOUND")

    def test_an_absent_flag_is_not_a_false_one(self):
        account = self.new_account(name="A").id
        contacts = [self.new_contact(family_name=name).id for name in "一二三"]
        settings = self.settings.Settings(new_associations_see_account_tickets=True)
        request = self.settings.UpdateSettingsRequest(settings=settings)
        request.update_mask.paths.append("new_associations_see_account_tickets")
        self.call(self.settings_stub.UpdateSettings, request)
        (absent,) = self.associate(account, contacts[0])
        (no,) = self.associate(account, contacts[1], sees_account_tickets=False)
        self.assertTrue(absent.association.sees_account_tickets)
        self.assertFalse(no.association.sees_account_tickets)

    def test_the_same_request_id_again_gets_the_first_answer(self):
        request = self.account.CreateAccountRequest(
            account=self.account.Account(name="A"), request_id="once"
        )
        first = self.call(self.account_stub.CreateAccount, request)
        self.assertEqual(self.call(self.account_stub.CreateAccount, request), first)

    def test_a_read_with_the_token_of_a_write_sees_it(self):
        request = self.account.CreateAccountRequest(account=self.account.Account(name="A"))
        written = self.call(self.account_stub.CreateAccount, request)
        read = self.account.GetAccountRequest(id=written.account.id)
        read.consistency.at_least_as_fresh = written.written_token
        answer = self.call(self.account_stub.GetAccount, read)
        self.assertEqual(answer.account, written.account)

    def test_a_file_is_streamed_watched_and_its_rejects_downloaded(self):
        table = "取引先名,取引先コード\r\n山田商店,D1\r\n,D2\r\n".encode()
        config = self.imports.ImportConfig(
            kind=self.imports.IMPORT_KIND_ACCOUNTS
        )
        request = self.imports.StartImportRequest
        parts = [request(config=config), request(chunk=table[:7]), request(chunk=table[7:])]
        begun = self.call(self.import_stub.StartImport, iter(parts)).import_job
        self.assertEqual(begun.rows_total, 2)
        watch = self.imports.WatchImportRequest(id=begun.id)
        *_, last = self.call(self.import_stub.WatchImport, watch)
        ended = last.import_job
        self.assertEqual((ended.rows_created, ended.rows_rejected), (1, 1))
        download = self.imports.DownloadRejectsRequest(id=begun.id)
        chunks = self.call(self.import_stub.DownloadRejects, download)
        lines = b"".join(part.chunk for part in chunks).decode("utf-8-sig").splitlines()
        self.assertEqual(lines[0], "取引先名,取引先コード,Row,Column,Reason")
        self.assertTrue(lines[1].startswith(",D2,3,"), lines)

    def test_reflection_lists_the_services_and_knows_their_messages(self):
        database = ProtoReflectionDescriptorDatabase(self.channel)
        services = set(database.get_services())
        self.assertIn("grpc.health.v1.Health", services)
        served = {name for name in services if name.startswith("roster.v1.")}
        self.assertGreaterEqual(
            served,
            {f"roster.v1.{name.title()}Service" for name in SERVICES},
        )
        for symbol in ("roster.v1.AccountService", "google.rpc.ErrorInfo"):
            file = database.FindFileContainingSymbol(symbol)
            self.assertTrue(file.name.endswith(".proto"))

    def test_the_server_says_that_it_serves(self):
        health = health_pb2_grpc.HealthStub(self.channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=30)
        self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING)

    def test_a_server_with_tls_is_called_with_a_client_certificate(self):
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        client = authority.issue_cert("billing.example")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
            certificate.private_key_pem.write_to_path(folder / "key.pem")
            authority.cert_pem.write_to_path(folder / "ca.pem")
            server = Server(
                self.binary,
                f"sqlite:{folder / 'roster.db'}",
                *("--tls-cert", folder / "cert.pem"),
                *("--tls-key", folder / "key.pem"),
                *("--client-ca", folder / "ca.pem", "--require-client-cert"),
            )
            self.addCleanup(server.stop)
            address = server.address.replace("127.0.0.1", "localhost")
            with_certificate = grpc.ssl_channel_credentials(
                authority.cert_pem.bytes(),
                client.private_key_pem.bytes(),
                client.cert_chain_pems[0].bytes(),
            )
            without = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
            request = health_pb2.HealthCheckRequest()
            with grpc.secure_channel(address, with_certificate) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                answer = health.Check(request, timeout=30)
                self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING)
            with grpc.secure_channel(address, without) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                with self.assertRaises(grpc.RpcError) as refused:
                    health.Check(request, timeout=30)
                self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--server", required=True, help="the binary roster-server")
    arguments.add_argument("--database", required=True, help="an empty database of its own")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate_stubs(folder)
        server = Server(given.server, given.database)
        try:
            RosterTest.address = server.address
            RosterTest.binary = given.server
            suite = unittest.defaultTestLoader.loadTestsFromTestCase(RosterTest)
            ran = unittest.TextTestRunner(verbosity=2).run(suite)
        finally:
            server.stop()
    failed = len(ran.failures) + len(ran.errors)
    print(f"{ran.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
