//! The legal forms of companies and other bodies: the only table of their spellings.

/// A legal form and its spellings. Width, case, kana kind, small kana, the kind of brackets, and
/// white space within a spelling do not count and need no separate entry.
#[derive(Debug, PartialEq, Eq)]
pub struct LegalForm {
    /// The full name. In a name's key it replaces every spelling.
    pub name: &'static str,
    /// Abbreviations in brackets: 株 is written (株), 株) at the start, (株 at the end. Katakana
    /// abbreviations come from Japanese bank transfers.
    pub abbreviations: &'static [&'static str],
    /// Readings and other full spellings, at the start or the end.
    pub spellings: &'static [&'static str],
    /// Spellings in Latin letters that come before the name.
    pub latin_at_start: &'static [&'static str],
    /// Spellings in Latin letters that come after the name as separate words; full stops and commas
    /// in them do not count.
    pub latin_at_end: &'static [&'static str],
}

const fn form(name: &'static str) -> LegalForm {
    LegalForm {
        name,
        abbreviations: &[],
        spellings: &[],
        latin_at_start: &[],
        latin_at_end: &[],
    }
}

impl LegalForm {
    const fn short(mut self, abbreviations: &'static [&'static str]) -> Self {
        self.abbreviations = abbreviations;
        self
    }

    const fn also(mut self, spellings: &'static [&'static str]) -> Self {
        self.spellings = spellings;
        self
    }

    const fn latin(
        mut self,
        at_start: &'static [&'static str],
        at_end: &'static [&'static str],
    ) -> Self {
        self.latin_at_start = at_start;
        self.latin_at_end = at_end;
        self
    }

    /// Returns whether the form is in Latin letters and comes after the name as a separate word.
    pub(super) fn is_latin(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_alphabetic())
    }

    /// Returns the form's name as it appears in a folded name.
    pub(super) fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    const fn latin_only(name: &'static str, others: &'static [&'static str]) -> Self {
        let mut form = form(name);
        form.latin_at_end = others;
        form
    }
}

/// All legal forms that Roster knows. Forms that differ in law stay different: Inc. and Corp.,
/// 一般社団法人 and 社団法人.
pub const LEGAL_FORMS: &[LegalForm] = &[
    // Companies.
    form("株式会社")
        .short(&["株", "カ"])
        .also(&["カブシキガイシャ", "カブシキカイシャ"])
        .latin(
            &["K.K.", "Kabushiki Kaisha", "Kabushiki Gaisha"],
            &["KK", "Kabushiki Kaisha", "Kabushiki Gaisha"],
        ),
    form("有限会社")
        .short(&["有", "ユ"])
        .also(&["ユウゲンガイシャ", "ユウゲンカイシャ"])
        .latin(
            &["Y.K.", "Yugen Kaisha", "Yugen Gaisha"],
            &["YK", "Yugen Kaisha", "Yugen Gaisha"],
        ),
    form("合同会社")
        .short(&["同", "ド"])
        .also(&["ゴウドウガイシャ", "ゴウドウカイシャ"])
        .latin(
            &["G.K.", "Godo Kaisha", "Godo Gaisha"],
            &["GK", "Godo Kaisha", "Godo Gaisha"],
        ),
    form("合資会社")
        .short(&["資", "シ"])
        .also(&["ゴウシガイシャ", "ゴウシカイシャ"]),
    form("合名会社")
        .short(&["名", "メ"])
        .also(&["ゴウメイガイシャ", "ゴウメイカイシャ"]),
    // (合) abbreviates any of the three above, so it equals none of them: it is skipped, never
    // equated.
    form("(合)").also(&["合)"]),
    form("相互会社")
        .short(&["相", "互", "ソ"])
        .also(&["ソウゴガイシャ", "ソウゴカイシャ"]),
    form("特定目的会社").also(&["トクテイモクテキガイシャ", "トクテイモクテキカイシャ"]),
    form("有限責任事業組合").also(&["ユウゲンセキニンジギョウクミアイ"]),
    form("投資事業有限責任組合").also(&["トウシジギョウユウゲンセキニンクミアイ"]),
    // Associations and foundations.
    form("一般社団法人")
        .short(&["一社"])
        .also(&["イッパンシャダンホウジン"]),
    form("一般財団法人")
        .short(&["一財"])
        .also(&["イッパンザイダンホウジン"]),
    form("公益社団法人")
        .short(&["公社"])
        .also(&["コウエキシャダンホウジン"]),
    form("公益財団法人")
        .short(&["公財"])
        .also(&["コウエキザイダンホウジン"]),
    form("社団法人")
        .short(&["社", "シヤ"])
        .also(&["シャダンホウジン"]),
    form("財団法人")
        .short(&["財", "ザイ"])
        .also(&["ザイダンホウジン"]),
    form("特定非営利活動法人")
        .short(&["特非", "特活", "NPO", "トクヒ"])
        .also(&[
            "NPO法人",
            "トクテイヒエイリカツドウホウジン",
            "エヌピーオーホウジン",
            "NPOホウジン",
        ]),
    form("認定特定非営利活動法人").also(&[
        "認定NPO法人",
        "ニンテイトクテイヒエイリカツドウホウジン",
        "ニンテイエヌピーオーホウジン",
        "ニンテイNPOホウジン",
    ]),
    // Hospitals, schools, welfare, religion.
    form("医療法人")
        .short(&["医", "イ"])
        .also(&["イリョウホウジン"]),
    form("医療法人社団").short(&["医社"]).also(&[
        "(医)社団",
        "医療法人(社団)",
        "イリョウホウジンシャダン",
    ]),
    form("医療法人財団").short(&["医財"]).also(&[
        "(医)財団",
        "医療法人(財団)",
        "イリョウホウジンザイダン",
    ]),
    form("社会医療法人")
        .short(&["社医"])
        .also(&["シャカイイリョウホウジン"]),
    form("特定医療法人").also(&["トクテイイリョウホウジン"]),
    form("社会福祉法人")
        .short(&["福", "社福", "フク"])
        .also(&["シャカイフクシホウジン"]),
    form("学校法人")
        .short(&["学", "ガク"])
        .also(&["ガッコウホウジン"]),
    form("準学校法人").also(&["ジュンガッコウホウジン"]),
    form("宗教法人")
        .short(&["宗", "シユウ"])
        .also(&["シュウキョウホウジン"]),
    form("更生保護法人")
        .short(&["ホゴ"])
        .also(&["コウセイホゴホウジン"]),
    form("職業訓練法人")
        .short(&["職"])
        .also(&["ショクギョウクンレンホウジン"]),
    // Public bodies.
    form("独立行政法人")
        .short(&["独", "ドク"])
        .also(&["ドクリツギョウセイホウジン"]),
    form("地方独立行政法人")
        .short(&["地独", "チドク"])
        .also(&["チホウドクリツギョウセイホウジン"]),
    form("国立研究開発法人")
        .short(&["国研"])
        .also(&["コクリツケンキュウカイハツホウジン"]),
    form("国立大学法人")
        .short(&["大", "ダイ"])
        .also(&["コクリツダイガクホウジン"]),
    form("公立大学法人")
        .short(&["公大"])
        .also(&["コウリツダイガクホウジン"]),
    // Offices of the professions.
    form("弁護士法人")
        .short(&["弁", "ベン"])
        .also(&["ベンゴシホウジン"]),
    form("税理士法人")
        .short(&["税", "ゼイ"])
        .also(&["ゼイリシホウジン"]),
    form("司法書士法人")
        .short(&["司", "シホウ"])
        .also(&["シホウショシホウジン"]),
    form("行政書士法人")
        .short(&["行", "ギヨ"])
        .also(&["ギョウセイショシホウジン"]),
    form("社会保険労務士法人")
        .short(&["労", "ロウム"])
        .also(&["シャカイホケンロウムシホウジン"]),
    form("弁理士法人").also(&["ベンリシホウジン"]),
    form("特許業務法人").also(&["トッキョギョウムホウジン"]),
    form("土地家屋調査士法人").also(&["トチカオクチョウサシホウジン"]),
    form("監査法人").short(&["監"]).also(&["カンサホウジン"]),
    form("有限責任監査法人").also(&["ユウゲンセキニンカンサホウジン"]),
    // Cooperatives.
    form("協同組合")
        .short(&["協", "キヨウクミ"])
        .also(&["キョウドウクミアイ"]),
    form("農業協同組合").also(&["ノウギョウキョウドウクミアイ"]),
    form("農事組合法人")
        .short(&["農", "ノウ"])
        .also(&["ノウジクミアイホウジン"]),
    form("企業組合").short(&["企"]).also(&["キギョウクミアイ"]),
    form("管理組合法人")
        .short(&["カンリ"])
        .also(&["カンリクミアイホウジン"]),
    // Elsewhere.
    LegalForm::latin_only("Co Ltd", &["Company Limited", "Company Ltd", "Co Limited"]),
    LegalForm::latin_only("Pte Ltd", &["Pte Limited"]),
    LegalForm::latin_only(
        "Pvt Ltd",
        &["Private Limited", "Pvt Limited", "Private Ltd"],
    ),
    LegalForm::latin_only("Pty Ltd", &["Pty Limited", "Proprietary Limited"]),
    LegalForm::latin_only("Ltd", &["Limited"]),
    LegalForm::latin_only("Inc", &["Incorporated"]),
    LegalForm::latin_only("Corp", &["Corporation"]),
    LegalForm::latin_only("LLC", &["Limited Liability Company"]),
    LegalForm::latin_only("LLP", &["Limited Liability Partnership"]),
    LegalForm::latin_only("PLC", &["Public Limited Company"]),
    LegalForm::latin_only("GmbH", &["Gesellschaft mit beschränkter Haftung"]),
    // Two-letter forms (SA, AG, NV) are omitted: 海老名SA is a service area.
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::fold::fold_name;

    #[test]
    fn the_name_of_a_form_needs_no_folding_but_case() {
        for form in LEGAL_FORMS {
            assert_eq!(fold_name(form.name), form.key());
        }
    }

    #[test]
    fn each_form_stands_once() {
        for (i, form) in LEGAL_FORMS.iter().enumerate() {
            assert!(
                LEGAL_FORMS[..i]
                    .iter()
                    .all(|other| other.key() != form.key()),
                "{}",
                form.name
            );
        }
    }
}
