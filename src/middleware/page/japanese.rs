//! The pages in Japanese.

use super::{
    english::CURL,
    language::{PageLabel, PageLanguage, PageText},
    subject::PageSubject,
};

const BROWSER: &str = "ブラウザーをお使いの場合";
const PROGRAM: &str = "その他のプログラムをお使いの場合";
const WHAT_TO_DO: &str = "対処方法";

pub(super) struct Japanese;

impl PageLanguage for Japanese {
    fn tag(&self) -> &str {
        "ja"
    }

    fn label(&self, label: PageLabel) -> &str {
        match label {
            PageLabel::Since => "メンテナンス開始",
            PageLabel::Until => "終了予定",
            PageLabel::Contact => "お問い合わせ先",
            PageLabel::Reference => "お問い合わせ番号",
        }
    }

    fn text(&self, subject: PageSubject) -> Option<PageText<'_>> {
        Some(match subject {
            PageSubject::MissingCredentials => PageText::new(
                "プロキシにログインしてください",
                "通信はプロキシを経由しており、このプロキシは登録されたユーザーの通信だけを中継します。\
                 このリクエストにはユーザー名とパスワードがありませんでした。",
            )
            .with_section(
                BROWSER,
                "このページを再読み込みしてください。プロキシのユーザー名とパスワードの入力画面が表示されます。",
            )
            .with_section(
                PROGRAM,
                "プログラムまたは OS のプロキシ設定に、ユーザー名とパスワードを追加してください。\
                 curl の場合は次のように実行すると、パスワードの入力を求められます。",
            )
            .with_code(CURL),
            PageSubject::WrongCredentials => PageText::new(
                "プロキシにログインできませんでした",
                "送信されたユーザー名とパスワードが、プロキシに登録されているものと一致しませんでした。",
            )
            .with_section(
                BROWSER,
                "このページを再読み込みして、もう一度入力してください。大文字と小文字、キーボードの配列、\
                 コピーしたときに紛れ込んだ空白に注意してください。入力画面が表示されない場合は、\
                 ブラウザーを再起動してください。保存された古いパスワードが使われている可能性があります。",
            )
            .with_section(
                PROGRAM,
                "プログラムまたは OS のプロキシ設定にあるユーザー名とパスワードを修正してください。\
                 パスワードの変更後、古いものが残っていることがあります。\
                 curl の場合は次のように実行すると、パスワードの入力を求められます。",
            )
            .with_code(CURL)
            .with_section(
                "入力が正しい場合",
                "プロキシの管理者に、アカウントの確認を依頼してください。",
            ),
            PageSubject::SchemeNotOffered => PageText::new(
                "このログイン方式は利用できません",
                "このリクエストの認証情報は、プロキシが対応していない認証方式またはアルゴリズムのものです。\
                 対応している方式は、このレスポンスの Proxy-Authenticate フィールドに示されています。",
            )
            .with_section(
                BROWSER,
                "このページを再読み込みしてください。ユーザー名とパスワードの入力画面が表示されます。",
            )
            .with_section(
                PROGRAM,
                "認証方式をプログラムに自動で選択させるか、プロキシが対応している方式に設定してください。\
                 curl の場合は次のように実行すると、自動で選択されます。",
            )
            .with_code(CURL),
            PageSubject::StaleNonce => PageText::new(
                "もう一度ログインが必要です",
                "ユーザー名とパスワードは正しいのですが、このリクエストに含まれる一度限りの値（nonce）が\
                 使えなくなりました。通常、プログラムは新しい値を使って自動的に再送しますが、\
                 このプログラムは再送しませんでした。",
            )
            .with_section(BROWSER, "このページを再読み込みしてください。")
            .with_section(
                PROGRAM,
                "もう一度実行してください。毎回この表示になる場合は、プログラムを更新してください。\
                 プロキシが stale=true と応答したときの再送に対応していません。",
            ),
            PageSubject::Malformed => PageText::new(
                "ログイン情報を読み取れませんでした",
                "このリクエストの Proxy-Authorization フィールドは、形式が正しくないか、あいまいか、\
                 または別の宛先のために作られたものです。原因は、送信したプログラム、\
                 またはプログラムとプロキシの間にある機器です。パスワードの誤りではありません。",
            )
            .with_section(
                BROWSER,
                "このページを再読み込みしてください。解決しない場合は、ブラウザーを再起動してください。",
            )
            .with_section(
                PROGRAM,
                "プログラムを更新し、Proxy-Authorization フィールドを一つだけ送信していることを確認してください。\
                 それでも解決しない場合は、プログラムの開発元に報告してください。",
            ),
            PageSubject::AccountUnavailable => PageText::new(
                "アカウントが無効か、有効期限が切れています",
                "ユーザー名とパスワードは正しいのですが、このアカウントの通信は中継できません。\
                 パスワードを変更しても解決しません。",
            )
            .with_section(
                WHAT_TO_DO,
                "下記のお問い合わせ番号を添えて、アカウントについてプロキシの管理者に問い合わせてください。",
            ),
            PageSubject::Forbidden => PageText::new(
                "このリクエストは許可されていません",
                "プロキシの規則により、この宛先へのリクエストは許可されていません。\
                 ユーザー名やパスワードの誤りではありません。",
            )
            .with_section(
                WHAT_TO_DO,
                "アドレスを確認してください。アクセスが必要な場合は、アドレスと下記のお問い合わせ番号を添えて、\
                 プロキシの管理者に問い合わせてください。",
            ),
            PageSubject::TooManyFailures => PageText::new(
                "ログインの失敗が多すぎます",
                "お使いのネットワークアドレスまたはユーザー名で、ログインの失敗が続きました。\
                 そのためパスワードの確認は行われていません。パスワードは正しい可能性があります。",
            )
            .with_section(WHAT_TO_DO, "1 分ほど待ってから、もう一度お試しください。")
            .with_section(
                "繰り返し表示される場合",
                "古いパスワードを使い続けているプログラムや機器を探し、修正または停止してください。\
                 見つからない場合は、下記のお問い合わせ番号を添えて、プロキシの管理者に連絡してください。\
                 第三者がパスワードを推測しようとしている可能性があります。",
            ),
            PageSubject::TooManyChecks => PageText::new(
                "同時に行われているログインが多すぎます",
                "お使いのネットワークアドレスまたはユーザー名のログインを、プロキシが多数確認しています。\
                 そのためパスワードの確認は行われていません。パスワードは正しい可能性があります。",
            )
            .with_section(WHAT_TO_DO, "数秒待ってから、もう一度お試しください。"),
            PageSubject::TooManyPeers => PageText::new(
                "アカウントが多くの場所で使われています",
                "ユーザー名とパスワードは正しいのですが、アカウントが、同時に利用できる数を超える\
                 ネットワークアドレスで使われています。",
            )
            .with_section(
                WHAT_TO_DO,
                "ほかの機器でのプロキシの利用をやめ、数分待ってから、もう一度お試しください。",
            )
            .with_section(
                "ほかの機器に心当たりがない場合",
                "パスワードを変更してください。第三者がアカウントを使っている可能性があります。",
            ),
            PageSubject::TooManyRequests => PageText::new(
                "接続またはリクエストが多すぎます",
                "ユーザー名とパスワードは正しいのですが、アカウントの接続数またはリクエスト数が、\
                 プロキシの上限を超えています。",
            )
            .with_section(
                WHAT_TO_DO,
                "不要なプログラムやページを閉じ、数秒待ってから、もう一度お試しください。",
            ),
            PageSubject::FieldTooLong => PageText::new(
                "ログイン情報が長すぎます",
                "このリクエストの Proxy-Authorization フィールドは、プロキシが受け付ける長さを超えています。\
                 送信したプログラムに原因がある可能性があります。",
            )
            .with_section(
                WHAT_TO_DO,
                "プロキシ設定のユーザー名とパスワードに間違いがないか確認してください。\
                 間違いがない場合は、プロキシの管理者に問い合わせてください。",
            ),
            PageSubject::BackendFailed => PageText::new(
                "現在、プロキシはログインを確認できません",
                "プロキシが利用しているシステムが応答していません。ユーザー名とパスワードは確認していません。\
                 変更する必要はありません。",
            )
            .with_section(
                WHAT_TO_DO,
                "数分待ってから、もう一度お試しください。続く場合は、下記のお問い合わせ番号を添えて、\
                 プロキシの管理者に連絡してください。",
            ),
            PageSubject::Maintenance => PageText::new(
                "プロキシはメンテナンス中です",
                "プロキシは、管理者の作業のため停止しています。ユーザー名とパスワードは確認していません。\
                 誤りがあったわけではなく、変更する必要もありません。",
            )
            .with_section(WHAT_TO_DO, "終了予定が下に表示されている場合は、その時刻を過ぎてからお試しください。\
                 表示されていない場合は、しばらく待ってからお試しください。"),
            PageSubject::UpstreamChallenge => PageText::new(
                "別のプロキシに接続を拒否されました",
                "このプロキシの先にある別のプロキシがログインを求めていますが、\
                 このプロキシはそのログイン情報を持っていません。\
                 お使いのユーザー名やパスワードの誤りではありません。",
            )
            .with_section(
                WHAT_TO_DO,
                "下記のお問い合わせ番号を添えて、プロキシの管理者に連絡してください。\
                 この問題は管理者にしか解決できません。",
            ),
        })
    }
}
