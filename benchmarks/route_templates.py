"""Questions put together from what tools measure and how people ask of it: they teach that one does not tell the other."""

from __future__ import annotations

from collections.abc import Iterator

MEASURES = {
    "drawdown": (
        "the gap of the Russell 2000 to its all-time high",
        "the decline of small caps from their peak",
        "the drawdown of IWM",
        "the S&P 500's distance from its record",
        "the loss of QQQ since its top",
        "the recovery that small caps need to regain their high",
        "the slump of the Russell 2000",
        "the time since the last high of SPY",
    ),
    "relative_valuation": (
        "the P/E of small caps relative to large caps",
        "the valuation discount of small companies",
        "the price-to-book ratio of the Russell 2000",
        "the cheapness of small caps against the S&P 500",
        "the EV/EBITDA multiple of small caps",
        "the earnings multiple of the small-cap index",
        "the valuation gap between small and large",
    ),
    "hedging": (
        "the put/call ratio of IWM",
        "the demand for downside protection on small caps",
        "the 25-delta skew on SPY",
        "put buying in the Russell 2000",
        "hedging activity in IWM options",
        "the open interest in puts on QQQ",
        "the cost of insurance against a small-cap fall",
    ),
    "balance_sheet": (
        "the interest cover of Culp",
        "Monro's net debt to EBITDA",
        "the operating margin of small caps against large caps",
        "Verizon's leverage",
        "the floating-rate share of Cumulus Media's debt",
        "the share of small caps that cannot pay their interest",
        "Nike's debt load",
        "the margins of the Russell 2000",
    ),
    "embedded_expectations": (
        "the return on assets implied by the price of the Russell 2000",
        "the market-implied ROA of SiTime",
        "the profitability priced into small caps",
        "what the market expects of Nike's return on assets",
        "the expectations embedded in PepsiCo's share price",
        "the implied return on assets of small companies",
    ),
    "call_sentiment": (
        "the tone of small-cap earnings calls",
        "the sentiment of calls, small against large",
        "the mood of executives on conference calls",
        "the sentiment score of Culp's call",
        "the tone of earnings releases",
        "the most negative sentences of the calls",
    ),
    "tariff_exposure": (
        "the weight of tariff-hit industries in the Russell 2000",
        "the tariff exposure of the S&P 500",
        "the share of small caps in sectors sensitive to tariffs",
        "the exposure of IWM to the trade war",
        "the part of the index in auto parts and capital goods",
    ),
    "concentration": (
        "the weight of the top ten in the S&P 500",
        "the concentration of the Russell 2000",
        "the effective number of names in IWM",
        "the largest position of SPY",
        "the Herfindahl index of the MSCI World",
        "the dominance of the biggest stocks in the index",
    ),
    "unprofitable_share": (
        "the share of small caps that lose money",
        "the number of loss-making companies in the Russell 2000",
        "the weight of unprofitable companies in IWM",
        "the proportion of mid caps with negative earnings",
        "the fraction of money-losing small companies",
    ),
    "analyst_coverage": (
        "the number of analysts per small cap",
        "analyst coverage of the Russell 2000",
        "the gap in analyst coverage between small and large caps",
        "the average number of analysts following an S&P 500 company",
        "sell-side coverage of small companies",
    ),
    "manager_excess": (
        "the excess return of the median small-cap manager",
        "the outperformance of European small-cap managers",
        "the alpha of active managers in Japan",
        "the share of funds ahead of their benchmark",
        "the performance of active managers against the index after fees",
    ),
    "ipo_pipeline": (
        "the number of IPO filings",
        "the IPO pipeline",
        "the backlog of companies going public",
        "the median size of IPO filings",
        "the pace of new listings",
        "the count of first S-1 registrations",
    ),
    "federal_awards": (
        "the small-firm share of Pentagon contracts",
        "federal contract obligations",
        "defense contract awards",
        "the largest recipient of defense contracts",
        "government contract money for small firms",
        "NASA's contract obligations",
    ),
    "macro": (
        "the federal funds rate",
        "the ten-year Treasury yield",
        "the two-year yield",
        "bank lending standards for small firms",
        "spending on factory construction",
        "the effective tariff rate",
        "customs revenue",
        "the level of interest rates",
        "the yield curve",
    ),
}
LIVE = (
    "What is {} now?",
    "{} today",
    "Current level of {}, please",
    "Can you show me {}?",
    "{}, latest",
    "How does {} look at the moment?",
    "Where does {} stand?",
    "Has {} changed since the note came out?",
    "Give me {} as of today.",
    "How has {} developed lately?",
    "Is {} still as high as it was?",
)
WRITTEN = (
    "What does the article say about {}?",
    "According to Valens, what is {}?",
    "How does the author explain {}?",
    "What was {} in 2019?",
    "Which figure does the note give for {}?",
    "Why does {} matter?",
    "What is meant by {}?",
    "How is {} calculated?",
    "Does the report mention {}?",
    "What did management say about {} on the call?",
    "What would change {}?",
    "Summarise what the notes say on {}.",
    "Who wrote about {}?",
    "How did {} develop during the financial crisis?",
    "What do the authors expect of {}?",
    "Which document discusses {}?",
)


def rows() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (question, tools): every other frame for each measure."""
    for tool, measures in MEASURES.items():
        for n, measure in enumerate(measures):
            for frames, called in ((LIVE, (tool,)), (WRITTEN, ())):
                for k, frame in enumerate(frames):
                    if (n + k) % 2 == 0:
                        text = frame.format(measure)
                        yield text[0].upper() + text[1:], called
