//! What figures must do, seen from outside: pixels, bytes and text.

use base64::Engine;
use ndarray::{Array2, array};
use plotters::prelude::{DrawingBackend, IntoDrawingArea};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};
use proptest::prelude::*;
use tiny_skia::Pixmap;

use super::*;
use crate::Error;

/// Axes that fill a figure of 200 by 100 points as far as possible: nothing but the spines.
fn bare() -> Panel {
    Panel::new().x_range(0.0, 1.0).y_range(0.0, 1.0).x_ticks::<&str>([]).y_ticks::<&str>([])
}

fn pixels(figure: &Figure) -> Pixmap {
    Pixmap::decode_png(&figure.png().unwrap()).unwrap()
}

fn color(pixels: &Pixmap, x: u32, y: u32) -> Color {
    let pixel = pixels.pixel(x, y).unwrap();
    Color::rgb(pixel.red(), pixel.green(), pixel.blue())
}

/// The pixels of a color.
fn places(pixels: &Pixmap, wanted: Color) -> Vec<(u32, u32)> {
    let all = (0..pixels.height()).flat_map(|y| (0..pixels.width()).map(move |x| (x, y)));
    all.filter(|(x, y)| color(pixels, *x, *y) == wanted).collect()
}

/// The left, top, right and bottom ends of a color.
fn bounds(pixels: &Pixmap, wanted: Color) -> (u32, u32, u32, u32) {
    let places = places(pixels, wanted);
    let ends =
        |of: fn(&(u32, u32)) -> u32| (places.iter().map(of).min().unwrap(), places.iter().map(of).max().unwrap());
    let ((left, right), (top, bottom)) = (ends(|p| p.0), ends(|p| p.1));
    (left, top, right, bottom)
}

#[test]
fn a_png_has_two_pixels_to_the_point() {
    let picture = pixels(&Panel::new().figure().size(310.0, 205.0));
    assert_eq!((picture.width(), picture.height()), (620, 410));
    // 85 mm are 85 mm for a program that asks the file.
    let print = Panel::new().figure().size_mm(85.0, 60.0).png().unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(&print)).read_info().unwrap();
    let (info, dims) = (reader.info(), reader.info().pixel_dims.unwrap());
    let width = f64::from(info.width) / f64::from(dims.xppu) * 1000.0;
    assert!((width - 85.0).abs() < 0.2 && dims.xppu == dims.yppu && dims.unit == png::Unit::Meter, "{width} mm");
    let picture = pixels(&Figure::new());
    assert!(picture.pixels().iter().all(|pixel| pixel.alpha() == 255) && !places(&picture, Color::GRAY).is_empty());
}

#[test]
fn a_pdf_has_the_size_in_print_and_the_lines_of_the_figure() {
    let panel = || bare().line([0.0, 1.0], [0.0, 1.0], Style::new().color(Color::GREEN).width(4.0));
    let figure = panel().heatmap(Heatmap::new(&array![[0.0, 1.0], [1.0, 0.0]])).figure().size_mm(85.0, 60.0);
    let pdf = figure.pdf().unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.trim_ascii_end().ends_with(b"%%EOF"));
    let find = |text: &str| pdf.windows(text.len()).position(|window| window == text.as_bytes());
    // 85 mm are 240.9 points, but figures have whole points of their own, of which four are three.
    let at = find("/MediaBox [").unwrap();
    let box_of_page = String::from_utf8_lossy(&pdf[at + 11..at + 60]).into_owned();
    let sides: Vec<f64> = box_of_page.split([' ', ']']).map_while(|side| side.parse().ok()).collect();
    assert!((sides[2] - 85.0 / 25.4 * 72.0).abs() < 0.5 && (sides[3] - 60.0 / 25.4 * 72.0).abs() < 0.5, "{sides:?}");
    assert!(find("/Subtype /Image").is_some());
    // The page's content: the line is green, four points wide, and goes from the bottom left to the top right.
    let streams = pdf.windows(7).enumerate().filter(|(_, window)| window == b"stream\n").map(|(at, _)| at + 7);
    let texts = streams.filter_map(|at| miniz_oxide::inflate::decompress_to_vec_zlib(&pdf[at..]).ok());
    let content = texts
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .find(|text| text.contains(" re\n") || text.contains(" l\n"))
        .unwrap();
    let green = "0 0.61960787 0.4509804 RG\n80 w\n";
    let line = content.split(green).nth(1).unwrap_or_else(|| panic!("{content}")).lines();
    let ends: Vec<(f64, f64)> = line
        .take(2)
        .map(|place| {
            let mut numbers = place.split(' ').map(|number| number.parse().unwrap());
            (numbers.next().unwrap(), numbers.next().unwrap())
        })
        .collect();
    assert!(ends[0].0 < ends[1].0 && ends[0].1 > ends[1].1, "{ends:?}");
}

#[test]
fn a_line_goes_where_its_values_are() {
    let figure =
        |y| bare().line([0.0, 1.0], y, Style::new().color(Color::GREEN).width(4.0)).figure().size(200.0, 100.0);
    let (left, top, right, bottom) = bounds(&pixels(&figure([0.0, 1.0])), Color::GREEN);
    assert!(right - left > 330 && bottom - top > 140, "from corner to corner: {left} {top} {right} {bottom}");
    let flat = pixels(&figure([0.5, 0.5]));
    let (_, flat_top, _, flat_bottom) = bounds(&flat, Color::GREEN);
    assert_eq!(flat_bottom - flat_top, 7, "four points are eight pixels");
    assert!(((flat_top + flat_bottom) as i64 - (top + bottom) as i64).abs() <= 4, "one half is the middle");
    let middle = (left + right) / 2;
    assert_eq!(color(&flat, middle, (flat_top + flat_bottom) / 2), Color::GREEN);
    assert_eq!(color(&flat, middle, flat_top - 4), Color::WHITE);
}

#[test]
fn a_missing_value_is_a_gap_and_a_lone_one_is_a_dot() {
    let x = [0.0, 0.25, 0.5, 0.75, 1.0];
    let style = || Style::new().color(Color::GREEN).width(3.0);
    let figure = |y: [f64; 5]| pixels(&bare().line(x, y, style()).figure().size(200.0, 100.0));
    let whole = places(&figure([0.5; 5]), Color::GREEN).len();
    for missing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let gap = places(&figure([0.5, 0.5, missing, 0.5, 0.5]), Color::GREEN).len();
        assert!((0.48..0.52).contains(&(gap as f64 / whole as f64)), "{gap} of {whole}");
    }
    let dot = places(&figure([f64::NAN, 0.5, f64::NAN, f64::NAN, f64::NAN]), Color::GREEN).len();
    assert!((50..150).contains(&dot), "{dot} pixels");
}

#[test]
fn data_outside_the_axes_is_clipped() {
    let inside = bounds(&pixels(&bare().line([0.0, 1.0], [0.0, 1.0], Color::GREEN).figure()), Color::GREEN);
    let panel = bare()
        .line([-5.0, 5.0], [-5.0, 5.0], Color::GREEN)
        .line([-1e30, 1e30], [0.5, 0.5], Color::GREEN)
        .band([-3.0, 4.0], [0.2, 0.2], [9.0, 9.0], Style::new().color(Color::GREEN).opacity(1.0))
        .points([1.5], [0.5], Color::GREEN);
    let outside = bounds(&pixels(&panel.figure()), Color::GREEN);
    for (a, b) in [(inside.0, outside.0), (inside.1, outside.1), (inside.2, outside.2), (inside.3, outside.3)] {
        assert!(a.abs_diff(b) <= 4, "{inside:?} {outside:?}");
    }
}

#[test]
fn heatmap_cells_have_the_colors_of_their_values() {
    // Row 0 is at the top, column 0 at the left.
    let matrix = array![[1.0_f32, -1.0], [0.0, f32::NAN]];
    let panel = bare().x_range(-0.5, 1.5).y_range(1.5, -0.5).heatmap(Heatmap::new(&matrix).range(-1.0, 1.0));
    let picture = pixels(&panel.clone().figure().size(300.0, 200.0));
    let (red, blue) = (Colormap::Diverging.color(1.0), Colormap::Diverging.color(0.0));
    let gray = bounds(&picture, Color::LIGHT_GRAY);
    let (width, height) = (gray.2 - gray.0 + 1, gray.3 - gray.1 + 1);
    let center = ((gray.0 + gray.2) / 2, (gray.1 + gray.3) / 2);
    assert_eq!(color(&picture, center.0 - width, center.1 - height), red);
    assert_eq!(color(&picture, center.0, center.1 - height), blue);
    assert_eq!(color(&picture, center.0 - width, center.1), Color::WHITE);
    // Cells meet without a blurred edge.
    assert_eq!(color(&picture, gray.0, gray.1 - 1), blue);
    assert_eq!(color(&picture, gray.0 - 1, gray.1), Color::WHITE);
    assert_eq!(color(&picture, gray.0 - 1, gray.1 - 1), red);

    // The picture within the SVG is the same.
    let svg = panel.figure().svg().unwrap();
    let data = svg.split("data:image/png;base64,").nth(1).unwrap().split('"').next().unwrap();
    let inner = Pixmap::decode_png(&base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap();
    let (w, h) = (inner.width(), inner.height());
    let corners = [(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)].map(|(x, y)| color(&inner, x, y));
    assert_eq!(corners, [red, blue, Color::WHITE, Color::LIGHT_GRAY]);
}

#[test]
fn elements_take_colors_in_turn_and_intervals_that_of_their_points() {
    let x = [0.2, 0.8];
    let svg = bare().line(x, x, ()).points(x, x, ()).intervals(x, [0.1, 0.7], [0.3, 0.9], ()).figure().svg().unwrap();
    let of = |tag: &str, color: Color| svg.lines().any(|line| line.starts_with(tag) && line.contains(&color.hex()));
    assert!(of("<polyline", Color::cycle(0)) && of("<circle", Color::cycle(1)), "{svg}");
    assert!(of("<polyline", Color::cycle(1)) && !of("<polyline", Color::cycle(2)), "{svg}");
}

#[test]
fn svg_is_escaped_and_names_what_it_shows() {
    let panel = Panel::new().title("<b> & \"c\"").x_label("τ\u{1} (ms)").line([0.0, 1.0], [0.0, 1.0], "a<b");
    let svg = panel.figure().letters(true).svg().unwrap();
    for part in ["&lt;b&gt; &amp; &quot;c&quot;</text>", "τ\u{fffd} (ms)</text>", "a&lt;b</text>", ">A</text>"] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && !svg.contains("<b>"));
}

#[test]
fn numbers_have_minus_signs_and_names_have_hyphens() {
    let panel = bare().title("-5 to -.5 (-3), 1e-5").x_label("V1-2, 0-5, held-out").x_ticks([(0.5, "-0.5")]);
    let svg = panel.line([0.0, 1.0], [0.0, 1.0], "threshold -0.015").figure().svg().unwrap();
    let drawn = svg.split("</desc>").nth(1).unwrap();
    for text in ["−5 to −.5 (−3), 1e−5", "V1-2, 0-5, held-out", ">−0.5<", "threshold −0.015"] {
        assert!(drawn.replace('\n', "").contains(text), "{text}: {svg}");
    }
}

#[test]
fn axes_in_a_grid_have_one_size_whatever_stands_beside_them() {
    let colors = [Color::GREEN, Color::BLUE, Color::VERMILION, Color::PURPLE, Color::ORANGE, Color::SKY];
    let panel = |i: usize| {
        let style = Style::new().color(colors[i]).width(4.0);
        let panel = Panel::new().x_range(0.0, 1.0).y_range(0.0, 1.0).line([0.0, 1.0], [0.0, 1.0], style);
        match i {
            2 => panel.legend(Legend::Outside).line([0.0], [0.5], Style::from("a rather long name").color(Color::GRAY)),
            3 => panel.y_label("High").y_ticks([(0.0, "10000")]).title("Title"),
            _ => panel,
        }
    };
    let figure = Figure::new().panels((0..6).map(panel)).columns(3).letters(true).size(900.0, 400.0);
    let picture = pixels(&figure);
    let bounds = colors.map(|color| bounds(&picture, color));
    let first = bounds[0];
    for (i, (left, top, right, bottom)) in bounds.into_iter().enumerate() {
        assert!((right - left).abs_diff(first.2 - first.0) <= 4, "width of {i}: {bounds:?}");
        assert!((bottom - top).abs_diff(first.3 - first.1) <= 4, "height of {i}: {bounds:?}");
        assert!(left.abs_diff(bounds[i % 3].0) <= 2 && top.abs_diff(bounds[i / 3 * 3].1) <= 2, "{i}: {bounds:?}");
    }
}

#[test]
fn nothing_touches_the_edge_of_the_figure() {
    let matrix = Array2::from_shape_fn((30, 30), |(i, j)| i as f64 - j as f64);
    let map = Heatmap::new(&matrix).label("Weight").row_colors([Color::BLUE; 30]).column_colors([Color::GREEN; 30]);
    let lines = |legend| {
        (0..8).fold(Panel::new(), |panel, i| panel.line([0, 40_000], [0, i], format!("condition {i}"))).legend(legend)
    };
    for (width, height) in [(174.0, 120.0), (120.0, 90.0)] {
        let panels = [
            Panel::new().title("W").x_label("From").y_label("To").heatmap(map.clone()).equal(),
            lines(Legend::Outside).x_label("Trials").y_label("Loss"),
            Panel::new().points([0.0, 1.0], [0.0, 1.0], ()).log_y(),
            lines(Legend::Auto),
        ];
        let picture =
            pixels(&Figure::new().title("All").panels(panels).columns(2).letters(true).size_mm(width, height));
        let (right, bottom) = (picture.width() - 1, picture.height() - 1);
        for (x, y) in (0..=right).flat_map(|x| (0..=bottom).map(move |y| (x, y))) {
            let edge = x < 6 || y < 6 || x > right - 6 || y > bottom - 6;
            assert!(!edge || color(&picture, x, y) == Color::WHITE, "{x} {y} of {right} {bottom}");
        }
    }
}

#[test]
fn rows_and_columns_are_counted_in_whole_numbers_and_marked_by_colors() {
    let map = Heatmap::new(&array![[1.0, -1.0, 0.0], [0.0, 1.0, 0.0]]).range(-40.0, 40.0);
    let colors = [Color::GREEN, Color::PURPLE, Color::GREEN];
    let panel = Panel::new().heatmap(map.clone().column_colors(colors).row_colors([Color::SKY, Color::ORANGE]));
    let svg = Panel::new().heatmap(map.clone()).figure().size(400.0, 300.0).svg().unwrap();
    let drawn: String = svg.split("</desc>").nth(1).unwrap().replace('\n', "");
    assert!(drawn.contains(">1</text>") && !drawn.contains(">1.5<") && !drawn.contains(">−0.5<"), "{svg}");

    let picture = pixels(&panel.figure().size(400.0, 300.0));
    let (sky, orange) = (bounds(&picture, Color::SKY), bounds(&picture, Color::ORANGE));
    assert!(
        sky.3 + 1 == orange.1 && sky.0 == orange.0 && sky.2 - sky.0 < 10,
        "one above the other: {sky:?} {orange:?}"
    );
    let (outer, inner) = (bounds(&picture, Color::GREEN), bounds(&picture, Color::PURPLE));
    assert!(outer.0 < inner.0 && inner.2 < outer.2 && outer.1 == inner.1, "side by side: {outer:?} {inner:?}");
    assert!(outer.3 < sky.1 + 10 && outer.2 < sky.0, "at the top and at the right");

    let error = Panel::new().heatmap(map.row_colors([Color::SKY])).figure().svg().unwrap_err().to_string();
    assert!(error.contains("Heatmap::row_colors") && error.contains('2'), "{error}");
}

#[test]
fn a_legend_does_not_cover_data() {
    // Whether the axes end well before the right edge, and the legend's words begin behind them.
    let beside = |panel: Panel| {
        let picture = pixels(&panel.x_ticks::<&str>([]).y_ticks::<&str>([]).figure());
        let places = places(&picture, Color::BLACK);
        // The x axis is the longest black row.
        let mut rows = std::collections::HashMap::<u32, (u32, u32, u32)>::new();
        for (x, y) in places {
            let row = rows.entry(y).or_insert((0, x, x));
            *row = (row.0 + 1, row.1.min(x), row.2.max(x));
        }
        rows.values().max().unwrap().2 < picture.width() - 100
    };
    let x: Vec<f64> = (0..50).map(f64::from).collect();
    let curve = |phase: f64| x.iter().map(move |x| (x * 0.7 + phase).sin()).collect::<Vec<_>>();
    let free = || Panel::new().line(&x, &x, "a line");
    assert!(!beside(free()), "there is room in a corner");
    let crowded =
        || (0..4).fold(Panel::new(), |panel, i| panel.line(&x, curve(f64::from(i)), format!("condition {i}")));
    assert!(beside(crowded()));
    assert!(!beside(crowded().legend(Legend::TopLeft)), "as it was asked for");
    assert!(!beside(crowded().legend(Legend::None)));
    let places = |step: f64| (0..500).map(move |i| (f64::from(i) * step) % 5.0);
    let scattered = Panel::new().points(places(3.7), places(2.31), "points");
    let band = Panel::new().band([0.0, 1.0], [0.0, 0.0], [1.0, 1.0], "band").y_range(0.0, 1.0);
    let map = Panel::new().heatmap(Heatmap::new(&Array2::<f64>::eye(3))).line([0.0, 1.0], [0.0, 1.0], "line");
    for (name, panel) in [("points", scattered), ("band", band), ("map", map)] {
        assert!(beside(panel), "{name}");
    }
    // Axes keep four tenths of their width.
    let long =
        (0..4).fold(Panel::new(), |panel, i| panel.line(&x, curve(f64::from(i)), "a name that is very long".repeat(4)));
    assert!(!beside(long));
}

#[test]
fn a_legend_stays_on_the_page_and_counts_what_it_leaves_out() {
    let named = |n: usize, name: &dyn Fn(usize) -> String| {
        (0..n).fold(Panel::new(), |panel, i| panel.line([0.0, 1.0], [i as f64, (7 * i % 5) as f64], name(i).as_str()))
    };
    let many = named(60, &|i| format!("condition {i}"));
    let long = named(2, &|i| format!("{i}: 一个很长的名字, {}", "and on and on ".repeat(20)));
    for legend in [Legend::Auto, Legend::Outside, Legend::TopRight, Legend::BottomLeft] {
        for (panel, sign) in [(&many, " more<"), (&long, "…<")] {
            let svg = panel.clone().legend(legend).figure().svg().unwrap().replace('\n', "");
            assert!(svg.contains(sign), "{legend:?}");
        }
    }
    for panel in [&many, &long] {
        let picture = pixels(&panel.clone().legend(Legend::Outside).figure());
        let (right, bottom) = (picture.width() - 1, picture.height() - 1);
        let around =
            (0..=right).flat_map(|x| [(x, 0), (x, bottom)]).chain((0..=bottom).flat_map(|y| [(0, y), (right, y)]));
        for (x, y) in around {
            assert_eq!(color(&picture, x, y), Color::WHITE, "{x} {y}");
        }
    }
    let svg = many.legend(Legend::Outside).figure().svg().unwrap().replace('\n', "");
    let shown = (0..60).filter(|i| svg.contains(&format!(">condition {i}<"))).count();
    assert!(shown > 10 && svg.contains(&format!(">… {} more<", 60 - shown)), "{shown}");
}

#[test]
fn axes_without_anything_to_see_say_so() {
    let said = |panel: Panel| {
        let text = panel.clone().figure().to_string();
        let svg = panel.figure().svg().unwrap().replace('\n', "");
        assert_eq!(text.contains("nothing to show"), svg.contains(">nothing to show"), "{text}");
        text.split("nothing to show: ").nth(1).map(str::to_owned).unwrap_or_default()
    };
    let none: [f64; 0] = [];
    assert!(said(Panel::new().line(none, none, ())).starts_with("there are no values"));
    assert!(said(Panel::new().points([1.0, 2.0], [f64::NAN; 2], ())).starts_with("no value is a number"));
    assert!(said(Panel::new().heatmap(Heatmap::new(&Array2::<f64>::zeros((0, 3))))).starts_with("there are no values"));
    assert!(said(Panel::new().band([0.0, 1.0], [f64::NAN; 2], [1.0; 2], ())).starts_with("no value is a number"));
    assert!(said(bare().points([2.0], [0.5], ())).starts_with("all values are outside"));
    assert!(said(bare().line([2.0, 3.0], [0.0, 1.0], ()).hline(0.5, ())).starts_with("all values are outside"));
    // On an axis that is logarithmic, whatever its data.
    let below = Panel::new().line([0.0, 1.0], [-1.0, -2.0], ()).y_range(1.0, 10.0).log_y();
    assert!(said(below).starts_with("no value is a number"));
    assert!(Figure::new().svg().unwrap().contains("there are no panels"));
    for panel in [
        Panel::new(),
        Panel::new().hline(0.5, ()),
        Panel::new().points([1.0], [1.0], ()),
        Panel::new().line([0.0, f64::NAN, 1.0], [0.0, 1.0, f64::NAN], ()),
        bare().line([-5.0, 5.0], [-5.0, 5.0], ()),
        bare().line([2.0, 3.0], [0.0, 1.0], ()).points([0.5], [0.5], ()),
        bare().intervals([0.5], [-1.0], [2.0], ()),
    ] {
        assert_eq!(said(panel), "");
    }
}

#[test]
fn a_logarithmic_axis_loses_no_value() {
    let log = |panel: Panel| panel.log_y().figure().to_string().contains("logarithmic");
    assert!(log(Panel::new().line([0.0, 1.0], [1.0, 100.0], ())));
    assert!(log(Panel::new().line([0.0, 1.0], [1.0, f64::NAN], ())));
    assert!(!log(Panel::new().heatmap(Heatmap::new(&array![[1.0, 2.0]]))), "its rows begin at -0.5");
    for low in [0.0, -0.0, -1.0, -1e-320] {
        assert!(!log(Panel::new().line([0.0, 1.0], [1.0, low], ())), "{low}");
        assert!(!log(Panel::new().points([0.0, 1.0], [1.0, low], ())), "{low}");
        for panel in
            [Panel::new().points([low, 1.0], [1.0, 2.0], ()), Panel::new().band([low, 1.0], [1.0; 2], [2.0; 2], ())]
        {
            assert!(!panel.log_x().figure().to_string().contains("logarithmic"));
        }
        // A range is what was asked for.
        assert!(log(Panel::new().line([0.0, 1.0], [1.0, low], ()).y_range(0.1, 1.0)), "{low}");
        // An interval that reaches down to it goes to the lower end.
        let style = Style::new().color(Color::GREEN).width(4.0);
        let panel = bare().intervals([0.5], [low], [0.5], style).points([0.5], [0.5], Color::BLUE).y_range(0.1, 1.0);
        assert!(log(panel.clone()));
        let interval = bounds(&pixels(&panel.log_y().figure().size(200.0, 100.0)), Color::GREEN);
        assert!(interval.3 > 160, "{low}: {interval:?}");
    }
}

#[test]
fn labels_of_any_script_are_text_in_an_svg_and_drawn_elsewhere() {
    let labels = ["时间（毫秒）", "時間 (ミリ秒)", "Точность", "الزمن", "Rate 🧠", "∮ ⊗ ℏ", "x\u{304}, r\u{302}"];
    let panel = || labels.iter().fold(bare(), |panel, label| panel.line([0.0, 1.0], [0.0, 1.0], *label));
    let svg = panel().figure().svg().unwrap();
    for label in labels {
        assert!(svg.replace('\n', "").contains(&format!(">{label}</text>")), "{label}: {svg}");
    }
    assert!(svg.contains("sans-serif\""), "whatever the viewer has");
    let figure = panel().title("图").x_label("Zeit 🧠").figure();
    assert!(figure.png().is_ok() && figure.pdf().is_ok());
}

#[test]
fn ticks_do_not_overlap() {
    for width in [80.0, 160.0, 300.0, 900.0] {
        let svg = Panel::new().x_range(0.0, 50_000.0).figure().size(width, 200.0).svg().unwrap();
        let labels: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains("middle") && line.contains("font-size=\"220\""))
            .map(|line| line.split('"').nth(1).unwrap().parse::<f64>().unwrap() / draw::sheet::UNITS)
            .collect();
        assert!(labels.len() >= 2, "{width}: {labels:?}");
        assert!(labels.windows(2).all(|pair| pair[1] - pair[0] > 32.0), "{width}: {labels:?}");
    }
}

#[test]
fn long_lines_make_small_files() {
    let n = 300_000;
    let y = (0..n).map(|i| ((i * 7919) % 1000) as f64);
    let svg = Panel::new().line(0..n, y, ()).figure().svg().unwrap();
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
    let lone = |i: usize| if i == 123_456 { 5.0 } else { 0.0 };
    let spike = Panel::new().line(0..n, (0..n).map(lone), Color::GREEN).y_range(0.0, 5.0).figure();
    let (_, top, _, bottom) = bounds(&pixels(&spike), Color::GREEN);
    assert!(bottom - top > 400, "a single high value is still seen");
}

#[test]
fn nonsense_is_an_error_that_names_it() {
    let message = |panel: Panel| match panel.figure().png() {
        Err(error @ Error::Argument { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let x = [0.0, 1.0, 2.0];
    assert_eq!(
        message(Panel::new().line(x, [1.0], ())),
        "`y of line` must be as long as `x` (3 values), but it is 1 values long"
    );
    assert!(message(Panel::new().band(x, x, [1.0, 2.0], ())).contains("high of band"));
    assert!(message(Panel::new().x_range(1.0, 1.0)).contains("x_range"));
    assert!(message(Panel::new().y_range(0.0, f64::NAN)).contains("y_range"));
    assert!(message(Panel::new().y_range(0.0, 1.0).log_y()).contains("positive"));
    assert!(message(Panel::new().heatmap(Heatmap::new(&array![[1.0]]).range(1.0, -1.0))).contains("Heatmap::range"));
    for size in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(matches!(Figure::new().size(size, 100.0).png(), Err(Error::Argument { .. })), "{size}");
    }
}

#[test]
fn files_are_saved_by_extension_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let figure = Panel::new().line([0.0, 1.0], [0.0, 1.0], ()).figure();
    figure.save(path("a.PNG")).unwrap();
    figure.save(path("a.svg")).unwrap();
    assert_eq!(std::fs::read(path("a.PNG")).unwrap(), figure.png().unwrap());
    assert_eq!(std::fs::read_to_string(path("a.svg")).unwrap(), figure.svg().unwrap());

    let broken = Panel::new().line([0.0, 1.0], [0.0], ()).figure();
    assert!(broken.save(path("a.svg")).is_err());
    assert_eq!(std::fs::read_to_string(path("a.svg")).unwrap(), figure.svg().unwrap());

    for name in ["a.tif", "a", ".png"] {
        let error = figure.save(path(name)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("`.svg`"), "{error}");
    }
    let error = figure.save(path("none/a.png")).unwrap_err().to_string();
    assert!(error.contains("none"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn a_figure_says_in_words_what_it_shows() {
    let figure = Figure::new()
        .title("Training")
        .panel(
            Panel::new()
                .x_label("Trial")
                .y_label("Loss")
                .line([0, 2000], [1.0, 0.0], "held-out")
                .line([0, 2000], [1.0, 0.0], ())
                .line([0, 2000], [0.5, 0.0], ())
                .shade(0.0..500.0, ()),
        )
        .panel(Panel::new().heatmap(Heatmap::new(&Array2::<f32>::zeros((3, 4)))));
    assert_eq!(
        figure.to_string(),
        "Figure \"Training\"\n\
         A: x \"Trial\" 0 to 2000, y \"Loss\" 0 to 1.05, line \"held-out\", 2 × line, shade\n\
         B: x -0.5 to 3.5, y 2.5 to -0.5, heatmap, 3 by 4 cells, colors -1 to 1"
    );
}

#[test]
fn the_font_has_the_signs_that_figures_need() {
    let face = ttf_parser::Face::parse(include_bytes!("draw/font/sans-regular.ttf"), 0).unwrap();
    for sign in "Aaé ατσλθΔΩ−±·×°²³µ≤≥≈∞∂√→–—′…".chars() {
        assert!(face.glyph_index(sign).is_some(), "{sign}");
    }
}

#[test]
fn figures_can_be_sent_and_stored() {
    fn plain<T: Send + Sync + Clone + serde::Serialize + serde::de::DeserializeOwned + 'static>() {}
    plain::<Figure>();
    plain::<Panel>();
    plain::<Heatmap>();
    plain::<Style>();
}

#[test]
fn figures_are_read_back_with_their_gaps() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, 0.1 + 0.2];
    let (nan, infinity) = (f64::NAN, f64::INFINITY);
    let style = || Style::from("name").width(nan).opacity(infinity).size(0.1);
    let map = Heatmap::new(&array![odd, odd]).range(nan, 1.0).x_extent(-infinity, infinity).y_extent(0.1, nan);
    let panel = Panel::new()
        .line(odd, odd, style())
        .points(odd, odd, ())
        .intervals(odd, odd, odd, style().marker(Marker::Cross))
        .band(odd, odd, odd, Color::GREEN)
        .heatmap(map.row_colors([Color::SKY, Color::BLUE]))
        .vline(nan, ())
        .hline(infinity, ())
        .shade(nan..infinity, ())
        .text(nan, -infinity, "here", ())
        .x_ticks([(nan, "none"), (0.1, "some")])
        .y_range(nan, infinity);
    for figure in [Panel::new().figure(), panel.figure().size(nan, infinity).title("Odd")] {
        let json = serde_json::to_string(&figure).unwrap();
        let read: Figure = serde_json::from_str(&json).unwrap();
        // Not equal by themselves, since NaN is not.
        assert_eq!(format!("{read:?}"), format!("{figure:?}"), "{json}");
        // Those of an earlier version have `null` for whatever was not finite.
        let json = json.replace("\"NaN\"", "null").replace("\"inf\"", "null").replace("\"-inf\"", "null");
        serde_json::from_str::<Figure>(&json).unwrap();
    }
}

/// A backend of someone else: the rectangles and the texts that it is asked for, and where a pixel was set.
#[derive(Default)]
struct Theirs {
    rectangles: Vec<(BackendCoord, BackendCoord, (u8, u8, u8))>,
    texts: Vec<String>,
    left: Option<i32>,
}

type Drawn = std::result::Result<(), DrawingErrorKind<std::convert::Infallible>>;

impl DrawingBackend for &mut Theirs {
    type ErrorType = std::convert::Infallible;

    fn get_size(&self) -> (u32, u32) {
        (800, 300)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, _): BackendCoord, _: BackendColor) -> Drawn {
        self.left = Some(self.left.map_or(x, |left| left.min(x)));
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, _: bool) -> Drawn {
        self.rectangles.push((from, to, style.color().rgb));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, _: &S, _: BackendCoord) -> Drawn {
        self.texts.push(text.to_owned());
        Ok(())
    }
}

#[test]
fn a_figure_comes_onto_any_backend_of_plotters() {
    let map = Heatmap::new(&array![[1.0, 1.0, -1.0], [-1.0, 0.0, 0.0]]);
    let panel = Panel::new().title("Of mine").heatmap(map).x_range(-0.5, 2.5).y_range(1.5, -0.5);
    let mut theirs = Theirs::default();
    let (_, right) = (&mut theirs).into_drawing_area().split_horizontally(400);
    panel.figure().draw(&right).unwrap();
    drop(right);
    assert!(theirs.left.is_some_and(|left| left >= 400) && theirs.texts.contains(&"Of mine".to_owned()));
    // A rectangle for neighbors of one color; then the color bar.
    let (red, white, blue) = ((140, 5, 25), (255, 255, 255), (5, 48, 140));
    let cells = &theirs.rectangles[..4];
    assert_eq!(cells.iter().map(|cell| cell.2).collect::<Vec<_>>(), [red, blue, blue, white]);
    let [(from, above, _), (right, beside, _), (left, below, _), (last, to, _)] = cells.try_into().unwrap();
    assert!(from.0 >= 400 && above.0 == right.0 && left == (from.0, above.1) && below.0 == last.0);
    assert!(beside.1 == last.1 && beside.0 == to.0 && below.1 == to.1);
    let area = |(from, to): (BackendCoord, BackendCoord)| (to.0 - from.0) * (to.1 - from.1);
    assert_eq!(cells.iter().map(|cell| area((cell.0, cell.1))).sum::<i32>(), area((from, to)));
}

/// Any number at all, the awkward ones often.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -2.0..2.0,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 1e-320, f64::MAX]),
    ]
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn drawing_never_panics(
        (x, y, z) in (numbers(), numbers(), numbers()),
        range in prop::option::of((number(), number())),
        (log_x, log_y, equal, letters) in any::<(bool, bool, bool, bool)>(),
        (rows, columns) in (0_usize..4, 0_usize..4),
        (size, width) in (number(), number()),
        (page_width, page_height) in (0.0..150.0, 0.0..150.0),
        text in "\\PC{0,12}",
    ) {
        let n = x.len().min(y.len()).min(z.len());
        let style = Style::new().label(&text).size(size).width(width).opacity(size);
        let matrix = Array2::from_shape_fn((rows, columns), |(i, j)| x.get(i + j).copied().unwrap_or(1.0));
        let mut panel = Panel::new().title(&text).x_label(&text).y_label(&text)
            .line(&x[..n], &y[..n], style.clone().dashed())
            .points(&x[..n], &y[..n], style.clone().marker(Marker::Circle))
            .intervals(&x[..n], &y[..n], &z[..n], &*text)
            .band(&x[..n], &y[..n], &z[..n], &*text)
            .vline(size, &*text).hline(width, ()).shade(size..width, ()).text(size, width, &text, style);
        panel.equal = equal;
        if log_x { panel = panel.log_x(); }
        if log_y { panel = panel.log_y(); }
        if let Some((a, b)) = range { panel = panel.y_range(a, b).x_ticks([(a, text.clone()), (b, text.clone())]); }
        let with_map = panel.clone().heatmap(Heatmap::new(&matrix).label(&text)).legend(Legend::Outside);
        let figure = Figure::new().title(&text).panel(panel).panel(with_map).letters(letters).size(page_width, page_height);
        let (png, svg) = (figure.png(), figure.svg());
        prop_assert_eq!(png.is_ok(), svg.is_ok());
        if let Ok(svg) = svg {
            prop_assert!(!svg.contains("NaN") && !svg.contains("\"inf"), "{}", svg);
        }
        prop_assert!(!figure.to_string().is_empty());
        let read: Figure = serde_json::from_str(&serde_json::to_string(&figure).unwrap()).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{figure:?}"));
    }
}
