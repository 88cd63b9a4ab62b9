#!/usr/bin/env python3
"""Makes the sample data of this folder: an invented help desk and its customers.

    python3 -m venv /tmp/sample-data
    /tmp/sample-data/bin/pip install openpyxl==3.1.5 xlwt==1.3.0
    /tmp/sample-data/bin/python tests/data/make.py

Running it again gives the same bytes in the CSV files and the same cells in the workbooks (a
workbook also holds the time at which it was made). Everything is drawn from one seeded source, in
a fixed order: a new column or table goes to the end, or everything after it changes.
"""

import csv
import datetime
import io
import pathlib
import random

import openpyxl
import xlwt

HERE = pathlib.Path(__file__).parent
SEED = 20261124
CONTACTS = 600
TICKETS = 3000
FIRST_TICKET = 10001
FIRST_DAY = datetime.datetime(2023, 11, 1)
DAYS = 3 * 365

PLACES = [
    ("青葉", "アオバ"), ("緑川", "ミドリカワ"), ("白峰", "シラミネ"), ("朝霧", "アサギリ"),
    ("海風", "ウミカゼ"), ("光輪", "コウリン"), ("若竹", "ワカタケ"), ("銀河", "ギンガ"),
    ("桜台", "サクラダイ"), ("鶴見野", "ツルミノ"), ("雪村", "ユキムラ"), ("藤森", "フジモリ"),
    ("霧島台", "キリシマダイ"), ("東雲", "シノノメ"), ("七星", "ナナホシ"), ("大和橋", "ヤマトバシ"),
    ("ひかり", "ヒカリ"), ("みらい", "ミライ"), ("ヴェルデ", "ヴェルデ"), ("がじゅまる", "ガジュマル"),
]
TRADES = [
    ("製作所", "セイサクショ"), ("商事", "ショウジ"), ("物流", "ブツリュウ"), ("システムズ", "システムズ"),
    ("電機", "デンキ"), ("食品", "ショクヒン"), ("印刷", "インサツ"), ("建設", "ケンセツ"),
    ("薬品", "ヤクヒン"), ("運輸", "ウンユ"), ("計器", "ケイキ"), ("不動産", "フドウサン"),
]
FORMS = ["株式会社{}", "株式会社{}", "{}株式会社", "{}株式会社", "(株){}", "㈱{}", "有限会社{}", "合同会社{}"]
ENGLISH_ACCOUNTS = [
    "Harbor Lane Trading Inc.", "Quillstone Software Ltd.", "Bluefern Logistics", "Oakmere & Sons",
    "Tidewick Instruments, Inc.", "Larkfield Foods", "7th Meridian Labs", "Copperglen Energy LLC",
    "Willowmarch Insurance", "Penrose Vale Clinics", "Northgale Shipping", "Amberfold Textiles",
    "Yellowpine Robotics", "Greyhaven Publishing", "Stonewell Bank",
]
FAMILIES = [
    ("佐藤", "サトウ", "sato"), ("鈴木", "スズキ", "suzuki"), ("髙橋", "タカハシ", "takahashi"),
    ("田中", "タナカ", "tanaka"), ("伊藤", "イトウ", "ito"), ("渡邊", "ワタナベ", "watanabe"),
    ("山本", "ヤマモト", "yamamoto"), ("中村", "ナカムラ", "nakamura"), ("小林", "コバヤシ", "kobayashi"),
    ("加藤", "カトウ", "kato"), ("吉田", "ヨシダ", "yoshida"), ("山﨑", "ヤマザキ", "yamazaki"),
    ("林", "ハヤシ", "hayashi"), ("森", "モリ", "mori"), ("池田", "イケダ", "ikeda"),
    ("橋本", "ハシモト", "hashimoto"), ("石川", "イシカワ", "ishikawa"), ("前田", "マエダ", "maeda"),
    ("五十嵐", "イガラシ", "igarashi"), ("東海林", "ショウジ", "shoji"), ("長谷川", "ハセガワ", "hasegawa"),
    ("服部", "ハットリ", "hattori"), ("宇佐美", "ウサミ", "usami"), ("和田", "ワダ", "wada"),
]
GIVENS = [
    ("太郎", "タロウ", "taro"), ("花子", "ハナコ", "hanako"), ("健一", "ケンイチ", "kenichi"),
    ("美咲", "ミサキ", "misaki"), ("翔太", "ショウタ", "shota"), ("陽菜", "ヒナ", "hina"),
    ("大輔", "ダイスケ", "daisuke"), ("由美子", "ユミコ", "yumiko"), ("誠", "マコト", "makoto"),
    ("さくら", "サクラ", "sakura"), ("直樹", "ナオキ", "naoki"), ("恵", "メグミ", "megumi"),
    ("リサ", "リサ", "risa"), ("拓也", "タクヤ", "takuya"), ("真由", "マユ", "mayu"),
]
ENGLISH_PEOPLE = [
    ("Hartwell", "Emily"), ("Okafor", "Daniel"), ("Lindqvist", "Sara"), ("Marsh", "Oliver"),
    ("Delacroix", "Jean"), ("O'Rourke", "Maeve"), ("Whitlock", "James"), ("Novak", "Petra"),
    ("Abernathy", "Ruth"), ("Castellan", "Marco"),
]
DOMAINS = ["example.co.jp", "example.com", "example.org"]
ROLES = ["担当者", "担当者", "決裁者", "情報システム", "経理", "営業窓口", "Administrator", ""]
SUBJECTS = [
    "ログインできません", "請求書の再発行をお願いします", "納期の確認", "見積もりの依頼", "画面が真っ白になる",
    "パスワードの再設定", "契約の更新について", "返品の手続き", "CSVの取り込みに失敗する", "通知メールが届かない",
    "担当者の変更", "①と②の違いについて", "「至急」注文の取り消し", "ﾃﾞｰﾀの移行について", "Cannot sign in",
    "Invoice, second copy", 'The "Export" button is missing', "Question about the renewal", "Slow since Monday",
]
# The words that the import takes for closed, and some that stay open.
CLOSED = ["完了", "完了", "解決済み", "クローズ", "Closed"]
OPEN = ["新規", "対応中", "対応中", "保留", "Open"]


class Table:
    """Rows under two kinds of headers."""

    def __init__(self, name, english, japanese, rows, mark=False):
        self.name, self.english, self.japanese, self.rows, self.mark = name, english, japanese, rows, mark

    def write(self):
        write_csv(f"{self.name}.csv", [self.english, *self.rows], "utf-8-sig" if self.mark else "utf-8")
        write_csv(f"{self.name}.sjis.csv", [self.japanese, *self.rows], "cp932")
        write_xlsx(f"{self.name}.xlsx", [self.japanese, *self.rows])
        write_xls(f"{self.name}.xls", [self.japanese, *self.rows])


def make_accounts(draw):
    names = []
    pairs = [(place, trade) for place in PLACES for trade in TRADES]
    for (place, place_reading), (trade, trade_reading) in draw.sample(pairs, 85):
        names.append((draw.choice(FORMS).format(place + trade), place_reading + trade_reading))
    names += [(name, "") for name in ENGLISH_ACCOUNTS]
    draw.shuffle(names)
    return [[f"D{number:04}", name, reading] for number, (name, reading) in enumerate(names, 1)]


def make_contacts(draw):
    rows = []
    for number in range(1, CONTACTS + 1):
        if draw.random() < 0.1:
            family, given = draw.choice(ENGLISH_PEOPLE)
            readings = ["", ""]
            latin = f"{given[0]}.{family}".lower().replace("'", "")
        else:
            family, family_reading, family_latin = draw.choice(FAMILIES)
            given, given_reading, given_latin = draw.choice(GIVENS)
            readings = [family_reading, given_reading]
            latin = f"{given_latin[0]}.{family_latin}"
        email = f"{latin}{number}@{draw.choice(DOMAINS)}"
        second = f"{latin}{number}.home@example.org" if draw.random() < 0.08 else ""
        rows.append([f"E{number:05}", family, given, *readings, email, second])
    return rows


def make_associations(draw, accounts, contacts):
    rows, accounts_of = [], {}
    codes = [row[0] for row in accounts]
    for contact in contacts:
        email = contact[5]
        count = draw.choices([0, 1, 2, 3], [4, 71, 20, 5])[0]
        # A few large customers have most of the people.
        near = draw.sample(codes[:12] if draw.random() < 0.4 else codes, count)
        accounts_of[email] = near
        for place, code in enumerate(near):
            rows.append([email, code, place == 0, draw.choice(ROLES), draw.random() < 0.3])
    return rows, accounts_of


def make_tickets(draw, contacts, accounts_of):
    rows = []
    emails = [row[5] for row in contacts]
    minutes = sorted(draw.randrange(DAYS * 24 * 60) for _ in range(TICKETS))
    for place, minute in enumerate(minutes):
        requester = draw.choice(emails)
        accounts = accounts_of[requester]
        account = draw.choice(accounts) if accounts and draw.random() < 0.95 else ""
        closed = draw.random() < 0.35 + 0.6 * (1 - place / TICKETS)
        copies = draw.sample(emails, draw.choices([0, 1, 2, 3], [92, 5, 2, 1])[0])
        rows.append([
            FIRST_TICKET + place,
            draw.choice(SUBJECTS),
            draw.choice(CLOSED if closed else OPEN),
            requester,
            account,
            ";".join(copy for copy in copies if copy != requester),
            True if draw.random() < 0.06 else "",
            FIRST_DAY + datetime.timedelta(minutes=minute),
        ])
    return rows


def make_mistakes(draw, accounts, contacts):
    """30 contacts as a person typed them; the README says which rows are wrong and why."""
    rows = []
    for number in range(601, 631):
        family, family_reading, family_latin = draw.choice(FAMILIES)
        given, given_reading, given_latin = draw.choice(GIVENS)
        email = f"{family_latin}.{given_latin}{number}@example.co.jp"
        account = draw.choice(accounts)[0]
        rows.append([f"E{number:05}", family, given, family_reading, given_reading, email, account])
    rows[2][1] = ""
    rows[7][5] = rows[7][5].replace("@", ".")
    rows[11][6] = "D9999"
    rows[16][0], rows[16][5] = contacts[0][0], contacts[1][5]
    rows[20][2] = "電話は午前中のみ。" * 25
    rows[25][2] += "\n(営業部)"
    return rows


def make_cells():
    """Each kind of cell beside the text that it is read as."""
    day = datetime.datetime(2026, 11, 24)
    return [
        # value, number format, text
        ("文字", None, "文字"), ("", None, ""), ("  空白  ", None, "  空白  "), ("007", "@", "007"),
        (42, None, "42"), (-42, None, "-42"), (0, None, "0"), (1234567890123, None, "1234567890123"),
        (0.1, None, "0.1"), (0.1 + 0.2, None, "0.3"), (-1.5, None, "-1.5"), (1e-7, None, "0.0000001"),
        (12.30, "0.00", "12.3"), (0.25, "0%", "0.25"), (1234.5, "#,##0.00", "1234.5"),
        (42, "00000", "00042"), (1234567, "00000", "1234567"),
        (True, None, "TRUE"), (False, None, "FALSE"),
        (day, "yyyy-mm-dd", "2026-11-24"), (day, "yyyy/m/d", "2026-11-24"),
        (day, 'yyyy"年"m"月"d"日"', "2026-11-24"), (day, "[$-411]ggge.m.d", "2026-11-24"),
        (day.replace(hour=9, minute=30), "yyyy-mm-dd hh:mm", "2026-11-24T09:30:00"),
        (day, "yyyy-mm-dd hh:mm:ss", "2026-11-24T00:00:00"),
        (day.replace(hour=23, minute=59, second=59), "d/m/yy h:mm AM/PM", "2026-11-24T23:59:59"),
        (0.5, "hh:mm", "12:00:00"), (1.25, "[h]:mm", "30:00:00"),
        (1, "yyyy-mm-dd", "1900-01-01"), (59, "yyyy-mm-dd", "1900-02-28"), (61, "yyyy-mm-dd", "1900-03-01"),
        (2958465, "yyyy-mm-dd", "9999-12-31"), (36585, "yyyy-mm-dd", "2000-02-29"),
        (7, '"d"0" h"', "7"), (7, "[Red]0;\\-0", "7"),
    ]


class Error(str):
    """The name of an error that a cell holds, which is not the text of the same letters."""


# What an XLS file holds of them.
ERROR_CODES = {"#VALUE!": 0x0F, "#REF!": 0x17, "#N/A": 0x2A}


def make_errors():
    """Contacts as a formula that looks them up leaves them; the README says which rows are wrong."""
    return [
        ["社員番号", "氏名", "メール", "備考", "予備のメール"],
        ["E1", "田中 太郎", "e1@example.com", Error("#N/A"), ""],
        ["E2", Error("#REF!"), "e2@example.com", "", ""],
        [Error("#N/A"), "林 花子", "e3@example.com", "", ""],
        ["E4", "森 一", "e4@example.com", "", Error("#VALUE!")],
        ["E5", "#N/A", "e5@example.com", "", ""],
    ]


def text_of(value):
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


def write_csv(name, rows, encoding):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([text_of(value) for value in row] for row in rows)
    (HERE / name).write_bytes(text.getvalue().encode(encoding))


def write_xlsx(name, rows):
    book = openpyxl.Workbook()
    for row in rows:
        # An empty text is no cell.
        book.active.append([None if value == "" else value for value in row])
    for row, values in enumerate(rows, 1):
        for column, value in enumerate(values, 1):
            if isinstance(value, str) and value.startswith("#"):
                # Left alone, any text that looks like an error is stored as one.
                kind = "e" if isinstance(value, Error) else "s"
                book.active.cell(row, column).data_type = kind
    book.save(HERE / name)


def write_xls(name, rows):
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Sheet1")
    dated = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    plain = xlwt.Style.default_style
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            if isinstance(value, Error):
                sheet.row(row).set_cell_error(column, ERROR_CODES[value])
            elif value != "":
                is_date = isinstance(value, datetime.datetime)
                sheet.write(row, column, value, dated if is_date else plain)
    book.save(str(HERE / name))


def write_cells(cells):
    book = openpyxl.Workbook()
    # The first sheet has nothing, the second is not shown: the third is read.
    hidden, sheet = book.create_sheet("Hidden"), book.create_sheet("Cells")
    hidden["A1"], hidden.sheet_state = "hidden", "hidden"
    for row, (value, code, text) in enumerate(cells, 2):
        cell = sheet.cell(row, 1, value)
        if code:
            cell.number_format = code
        sheet.cell(row, 2, text)
    book.save(HERE / "cells.xlsx")

    book = xlwt.Workbook(encoding="utf-8")
    book.add_sheet("Sheet1")
    hidden, sheet = book.add_sheet("Hidden"), book.add_sheet("Cells")
    hidden.write(0, 0, "hidden")
    hidden.visibility = 1
    for row, (value, code, text) in enumerate(cells, 1):
        style = xlwt.easyxf(num_format_str=code) if code else xlwt.Style.default_style
        sheet.write(row, 0, value, style)
        sheet.write(row, 1, text)
    book.save(str(HERE / "cells.xls"))


def main():
    draw = random.Random(SEED)
    accounts = make_accounts(draw)
    contacts = make_contacts(draw)
    associations, accounts_of = make_associations(draw, accounts, contacts)
    tickets = make_tickets(draw, contacts, accounts_of)
    Table(
        "accounts",
        ["Account Number", "Account Name", "フリガナ"],
        ["取引先コード", "取引先名", "フリガナ"],
        accounts,
    ).write()
    Table(
        "contacts",
        ["External ID", "Last Name", "First Name", "セイ", "メイ", "Email", "Secondary Email"],
        ["社員番号", "姓", "名", "セイ", "メイ", "メールアドレス", "予備のメール"],
        contacts,
        mark=True,
    ).write()
    Table(
        "associations",
        ["Email", "Account:External_Id__c", "Primary", "Role", "Can View Account Tickets"],
        ["メールアドレス", "取引先コード", "メイン", "役割", "問い合わせの閲覧"],
        associations,
    ).write()
    Table(
        "tickets",
        ["Case Number", "Subject", "Status", "Email", "Account:External_Id__c", "CC", "Private", "Created Time"],
        ["問い合わせ番号", "件名", "ステータス", "メールアドレス", "取引先コード", "CC", "非公開", "作成日時"],
        tickets,
    ).write()
    headers = ["社員番号", "姓", "名", "セイ", "メイ", "メールアドレス", "取引先コード"]
    write_csv("contacts-with-mistakes.csv", [headers, *make_mistakes(draw, accounts, contacts)], "utf-8-sig")
    write_cells(make_cells())
    write_xlsx("errors.xlsx", make_errors())
    write_xls("errors.xls", make_errors())


if __name__ == "__main__":
    main()
