"""Traces written by hand: what the reference model of an order must allow, and what it must not."""

from __future__ import annotations

_SHORT = {
    "CO": "Create Order", "QU": "Submit Quotation", "OK": "Confirm Order", "CH": "Change Order", "XO": "Cancel Order",
    "CD": "Create Delivery", "AS": "Assign Goods", "PI": "Pick Goods", "PA": "Pack Goods", "GI": "Post Goods Issue",
    "XD": "Cancel Delivery", "CI": "Create Invoice", "VI": "Validate Invoice", "PO": "Post Invoice",
    "XI": "Cancel Invoice", "CN": "Post Credit Note", "RP": "Receive Payment", "AP": "Apply Payment",
    "CL": "Clear Invoice", "DC": "Create Dunning", "DS": "Send Dunning", "OD": "Open Dispute", "AD": "Approve Dispute",
    "RD": "Resolve Dispute",
}  # fmt: skip


def trace(text: str) -> tuple[str, ...]:
    """Activities from their two-letter names."""
    return tuple(_SHORT[word] for word in text.split())


GOOD = {
    "plain": "CO QU OK CD AS PI PA GI CI PO RP AP CL",
    "no quotation": "CO OK CD AS PI PA GI CI PO RP AP CL",
    "changed before and after confirmation": "CO QU CH QU OK CH CD AS PI PA GI CI PO RP AP CL",
    "bank booking after the clerk's entry": "CO QU OK CD AS PI PA GI CI PO AP CL RP",
    "bank booking between": "CO QU OK CD AS PI PA GI CI PO AP RP CL",
    "partial delivery with backorder": "CO QU OK CD AS PI PA GI CI CD AS PI PA GI CI PO PO RP AP CL RP AP CL",
    "two deliveries interleaved": "CO OK CD CD AS AS PI PI PA GI PA GI CI CI PO PO RP AP CL AP CL",
    "backorder cancelled": "CO OK CD AS PI PA GI CD XD CI PO RP AP CL",
    "collective invoice, billed days later": "CO OK CD AS PI PA GI CI CI PO RP AP CL",
    "draft invoice thrown away": "CO OK CD AS PI PA GI CI XI CI PO RP AP CL",
    "validated invoice": "CO OK CD AS PI PA GI CI VI PO RP AP CL",
    "part payments": "CO OK CD AS PI PA GI CI PO RP AP RP AP RP AP CL",
    "dunned twice": "CO OK CD AS PI PA GI CI PO DC DS DC DS RP AP CL",
    "dunned after a part payment": "CO OK CD AS PI PA GI CI PO RP AP DC DS RP AP CL",
    "disputed, credited": "CO OK CD AS PI PA GI CI PO OD AD CN RD CL RP AP CL",
    "disputed while dunned": "CO OK CD AS PI PA GI CI PO DC OD DS AD CN RD CL RP AP CL",
    "lost": "CO QU XO",
    "given up before the quotation": "CO XO",
    "cancelled after confirmation": "CO QU OK CD AS XD XO",
    "cancelled, then its documents": "CO QU OK CD CI XO XD XI",
    "service": "CO QU OK CI PO RP AP CL",
    "prepaid": "CO QU OK CI PO RP AP CL CD AS PI PA GI",
    "prepaid, delivery prepared meanwhile": "CO QU OK CD CI PO RP AP CL AS PI PA GI",
    "paid while the rest is still delivered": "CO OK CD AS PI PA GI CI PO CD RP AP CL AS PI PA GI CI PO RP AP CL",
    "invoice before shipment": "CO OK CD CI PO AS PI PA GI RP AP CL",
    "return": "CO QU OK CN CL",
    "joins a collective invoice drafted before it": "CI CO QU CH OK CD AS PI PA GI VI PO RP AP CL",
    "joins a collective invoice drafted meanwhile": "CO QU CI OK CD AS PI PA GI VI PO RP AP CL",
    "service on a collective invoice drafted before": "CI CO OK PO RP AP CL",
}

BAD = {
    "goods issue without picking": "CO QU OK CD AS PA GI CI PO RP AP CL",
    "goods issue before picking": "CO QU OK CD AS GI PI PA CI PO RP AP CL",
    "goods issue without a delivery": "CO QU OK AS PI PA GI CI PO RP AP CL",
    "never confirmed": "CO QU CD AS PI PA GI CI PO RP AP CL",
    "confirmed after the goods left": "CO QU CD AS PI PA GI OK CI PO RP AP CL",
    "confirmed twice": "CO QU OK OK CD AS PI PA GI CI PO RP AP CL",
    "posted without being created": "CO QU OK CD AS PI PA GI PO RP AP CL",
    "posted before being created": "CO QU OK CD AS PI PA GI PO CI RP AP CL",
    "paid before any invoice": "CO QU OK RP CD AS PI PA GI CI PO AP CL",
    "cleared before any invoice": "CO QU OK CL CD AS PI PA GI CI PO RP AP",
    "never cleared": "CO QU OK CD AS PI PA GI CI PO RP AP",
    "posted before it was confirmed": "CO QU CI PO OK CD AS PI PA GI RP AP CL",
    "lost though a collective invoice was drafted": "CI CO QU XO",
    "never billed": "CO QU OK CD AS PI PA GI",
    "reminder sent that nobody created": "CO QU OK CD AS PI PA GI CI PO DS RP AP CL",
    "dunned before the invoice": "CO QU OK CD AS PI PA GI DC DS CI PO RP AP CL",
    "dispute resolved that nobody opened": "CO QU OK CD AS PI PA GI CI PO RD RP AP CL",
    "dispute never resolved": "CO QU OK CD AS PI PA GI CI PO OD AD RP AP CL",
    "credited before the invoice": "CO QU OK CD AS PI PA GI CN CI PO RP AP CL",
    "shipped after cancellation": "CO QU OK CD AS XO PI PA GI",
    "cancelled after the goods left": "CO QU OK CD AS PI PA GI XO",
    "no order": "OK CD AS PI PA GI CI PO RP AP CL",
    "order created twice": "CO CO OK CD AS PI PA GI CI PO RP AP CL",
}

INVOICE_GOOD = {
    "plain": "CI PO RP AP CL",
    "validated": "CI VI PO RP AP CL",
    "cancelled draft": "CI XI",
    "dunned, part paid": "CI PO DC DS RP AP DC DS RP AP CL",
    "disputed and credited": "CI PO OD AD CN CL RD RP AP CL",
    "a credit note": "CN CL",
    "a credit note drafted first": "VI CN CL",
}

INVOICE_BAD = {
    "posted twice": "CI PO PO RP AP CL",
    "never cleared": "CI PO RP AP",
    "paid first": "RP CI PO AP CL",
    "cleared first": "CI CL PO RP AP",
    "posted after cancellation": "CI XI PO RP AP CL",
}

DELIVERY_GOOD = {
    "plain": "CD AS PI PA GI CI PO RP AP CL",
    "prepaid": "CD CI PO RP AP CL AS PI PA GI",
    "prepaid before the delivery exists": "CI PO RP AP CL CD AS PI PA GI",
    "cancelled": "CD AS XD",
    "billed twice": "CD AS PI PA GI CI CI PO PO RP AP CL AP CL",
}

DELIVERY_BAD = {
    "shipped twice": "CD AS PI PA GI GI CI PO RP AP CL",
    "not picked": "CD AS PA GI CI PO RP AP CL",
    "packed after it left": "CD AS PI GI PA CI PO RP AP CL",
    "created twice": "CD CD AS PI PA GI CI PO RP AP CL",
}
