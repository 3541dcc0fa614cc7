//! Texts and the canonical texts they print as.

mod support;
use support::{check, filter};
use vigie_query::{Expr, Field, Op, Pattern, Term, Value, term_text};

#[test]
fn the_example_of_the_architecture_is_canonical_but_for_its_quotes() {
    check(&[(
        "from:laurent* to:@us.ibm.com subject:\"ordre\" size>2MB recipients>20 delay>30s status:bounced server:hub1 direction:out tls:no -class:probe last:7d",
        "from:laurent* to:@us.ibm.com subject:ordre size>2MB recipients>20 delay>30s status:bounced server:hub1 direction:out tls:no -class:probe last:7d",
    )]);
}

#[test]
fn or_binds_less_than_and_and_not_binds_most() {
    check(&[
        ("a b or c", "a b or c"),
        ("a and (b or c)", "a (b or c)"),
        ("(a and b) and c", "a b c"),
        ("a or (b or c)", "a or b or c"),
        ("not a b", "-a b"),
        ("NOT (a OR b)", "-(a or b)"),
        ("-(a b) c", "-(a b) c"),
        ("not not a", "a"),
        ("--a", "a"),
        ("-(-(a))", "a"),
        ("((((a))))", "a"),
        ("", ""),
        ("  \t ", ""),
    ]);
}

#[test]
fn other_spellings_become_the_canonical_one() {
    check(&[
        ("Sender:Bob@Example.COM", "from:bob@example.com"),
        ("msgid:<AB.12@host>", "message-id:AB.12@host"),
        ("message_id:x", "message-id:x"),
        ("qid:4XyZ", "queue-id:4XyZ"),
        ("STATUS:Sent", "status:delivered"),
        ("status!=bounced", "-status:bounced"),
        ("dir:outgoing", "direction:out"),
        ("tls:oui", "tls:yes"),
        ("size:>2MB", "size>2MB"),
        ("size:>=2097152", "size>=2MiB"),
        ("size=2000KB", "size:2MB"),
        ("delay<=1h30min", "delay<=90min"),
        ("delay:0", "delay:0"),
        ("recipients:1,2,2,3", "recipients:1,2,3"),
        ("status:bounced,\"expired\"", "status:bounced,expired"),
        ("from=bob@example.com", "from:bob@example.com"),
    ]);
}

#[test]
fn quotes_are_kept_only_where_they_are_needed() {
    check(&[
        (r#"subject:"ordre de mission""#, r#"subject:"ordre de mission""#),
        (r#"subject:"ordre""#, "subject:ordre"),
        (r#"subject:"a,b","c""#, r#"subject:"a,b",c"#),
        (r#"subject:"he said \"yes\"""#, r#"subject:"he said \"yes\"""#),
        (r#"subject:"5 \* 3""#, r#"subject:"5 \* 3""#),
        (r#"subject:"ordre de*""#, r#"subject:"ordre de*""#),
        (r"user:CORP\bob", r"user:corp\bob"),
        (r#"user:"CORP\bob""#, r"user:corp\bob"),
        ("subject:f(x)", r#"subject:"f(x)""#),
        ("(subject:f(x) or b)", r#"subject:"f(x)" or b"#),
        (r#""or""#, r#""or""#),
        (r#""-x""#, r#""-x""#),
        (r#""Re: hello""#, r#""Re: hello""#),
        ("size>2MB \"go\"", "size>2MB \"go\""),
        ("hello,world", r#""hello,world""#),
        ("a - b", r#"a "-" b"#),
    ]);
}

#[test]
fn equal_means_the_whole_text() {
    check(&[
        ("subject=ordre", "subject=ordre"),
        ("subject=\"\"", "subject=\"\""),
        ("subject=a*b", r#"subject="a\*b""#),
        ("from=laurent", "from=laurent"),
        ("from=laurent,bob@example.com", "from=laurent,bob@example.com"),
        ("server=hub1", "server=hub1"),
        ("queue-id=4XyZ", "queue-id:4XyZ"),
        ("subject!=ordre", "-subject=ordre"),
        ("from:<>", "from:<>"),
        ("from=\"\"", "from:<>"),
    ]);
}

#[test]
fn wildcards_are_told_by_where_they_stand() {
    check(&[
        ("subject:*", "subject:*"),
        ("-subject:**", "-subject:*"),
        ("from:*laurent*", "from:laurent"),
        ("queue-id:*ab*", "queue-id:*ab*"),
        ("from:@*.Example.com", "from:@*.example.com"),
        ("from:@example.*", "from:*@example.*"),
        ("from:laurent@", "from:laurent@*"),
        ("ip:10.1.", "ip:10.1.*"),
        ("ip:2001:db8::1", "ip:2001:db8::1"),
        ("dsn:5.*", "dsn:5.*"),
    ]);
}

#[test]
fn a_word_that_only_looks_like_a_field_stays_a_word() {
    check(&[
        ("fe80::1", r#""fe80::1""#),
        ("10:30", r#""10:30""#),
        ("prvs=4271=bob@example.com", r#""prvs=4271=bob@example.com""#),
        ("<AB.12@host>", "AB.12@host"),
    ]);
}

#[test]
fn the_shape_of_a_bare_word_decides_where_it_is_looked_for() {
    let pattern = |text| match filter(text).expr {
        Some(Expr::Term(Term { field: Field::Any, op: Op::Is, values })) => match values.as_slice() {
            [Value::Pattern(pattern)] => pattern.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(pattern("bob@example.com"), Pattern::Exact("bob@example.com".into()));
    assert_eq!(pattern("@example.com"), Pattern::Domain("example.com".into()));
    assert_eq!(pattern("192.0.2.1"), Pattern::Exact("192.0.2.1".into()));
    assert_eq!(pattern("2001:db8::1"), Pattern::Exact("2001:db8::1".into()));
    assert_eq!(pattern("laurent"), Pattern::Contains("laurent".into()));
    assert_eq!(pattern("laur*"), Pattern::Prefix("laur".into()));
    assert_eq!(pattern("4XyZ12abc"), Pattern::Contains("4XyZ12abc".into()));
}

#[test]
fn a_link_from_a_value_chooses_exactly_this_value() {
    assert_eq!(term_text(Field::From, "Bob@example.com"), "from:bob@example.com");
    assert_eq!(term_text(Field::From, ""), "from:<>");
    assert_eq!(term_text(Field::Subject, "** PROMO **"), r#"subject="\*\* PROMO \*\*""#);
    assert_eq!(term_text(Field::Server, "hub1"), "server=hub1");
    assert_eq!(term_text(Field::MessageId, "<a b@c>"), r#"message-id:"a b@c""#);
    assert_eq!(term_text(Field::Status, "bounced"), "status:bounced");
    assert_eq!(term_text(Field::Any, "not"), r#""not""#);
}

#[test]
fn values_are_typed() {
    let Some(Expr::And(parts)) = filter("size>2MB delay<=30s hops:3 tls:yes class:probe,bounce").expr else { panic!() };
    let typed = |field, op, values: &[Value]| Expr::Term(Term { field, op, values: values.to_vec() });
    assert_eq!(
        parts,
        [
            typed(Field::Size, Op::Greater, &[Value::Bytes(2_000_000)]),
            typed(Field::Delay, Op::LessOrEqual, &[Value::DurationMs(30_000)]),
            typed(Field::Hops, Op::Is, &[Value::Number(3)]),
            typed(Field::Tls, Op::Is, &[Value::Flag(true)]),
            typed(Field::Class, Op::Is, &[Value::Word("probe"), Value::Word("bounce")]),
        ]
    );
}
